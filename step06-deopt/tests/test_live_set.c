// Persistent sets against plain bits: what they hold, and that a shared set never changes.
#include <string.h>

#include "backend/live_set.h"
#include "programs.h"
#include "random_program.h"
#include "testing/test_main.h"

enum { MAX_ELEMENTS = 20000, NUM_SETS = 12 };

typedef struct Model {
    bool has[MAX_ELEMENTS];
} Model;

static void note(void *context, VReg element) {
    bool *seen = context;
    assert_false(seen[element]);
    seen[element] = true;
}

static void assert_difference(const LiveSets *sets, LiveSet a, LiveSet b, const Model *ma, const Model *mb, uint32_t n) {
    static bool seen[MAX_ELEMENTS];
    memset(seen, 0, sizeof seen);
    live_set_visit_without(sets, a, b, note, seen);
    for (uint32_t e = 0; e < n; e++) assert_int_equal(seen[e], ma->has[e] && !mb->has[e]);
}

static void change(Random *random, LiveSets *sets, LiveSet *set, Model *model, uint32_t n) {
    uint32_t first = random_below(random, n), count = 1 + random_below(random, 40);
    bool adds = random_below(random, 2);
    for (uint32_t k = 0; k < count; k++) {
        uint32_t e = random_below(random, 3) ? (first + k) % n : random_below(random, n);
        *set = adds ? live_set_add(sets, *set, e) : live_set_remove(sets, *set, e);
        model->has[e] = adds;
    }
    live_sets_share(sets);
}

// Sets of up to n elements: every step copies one over another, changes it, or unites two.
static void try_sets(Random *random, uint32_t n) {
    static Model models[NUM_SETS];
    LiveSet set[NUM_SETS] = {0};
    LiveSets sets;
    memset(models, 0, sizeof models);
    live_sets_init(&sets, n);
    for (int step = 0; step < 200; step++) {
        uint32_t a = random_below(random, NUM_SETS), b = random_below(random, NUM_SETS), c = random_below(random, NUM_SETS);
        if (random_below(random, 4) == 0) {
            set[c] = live_set_union(&sets, set[a], set[b]);
            for (uint32_t e = 0; e < n; e++) models[c].has[e] = models[a].has[e] || models[b].has[e];
            live_sets_share(&sets);
        } else {
            set[b] = set[a];
            models[b] = models[a];
            change(random, &sets, &set[b], &models[b], n);
        }
        if (step % 10 == 0) assert_difference(&sets, set[a], set[b], &models[a], &models[b], n);
    }
    for (int k = 0; k < NUM_SETS; k++)
        for (uint32_t e = 0; e < n; e++) assert_int_equal(live_set_has(&sets, set[k], e), models[k].has[e]);
    live_sets_free(&sets);
}

static void test_random_sets_against_bits(void **state) {
    (void)state;
    const uint32_t sizes[] = {1, 2, 255, 256, 257, 2048, 2049, MAX_ELEMENTS};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (uint64_t seed = 0; seed < (SANITIZED ? 3 : 20); seed++) {
            Random random = {seed};
            try_sets(&random, sizes[i]);
        }
    }
}

static void test_a_union_with_a_subset_is_the_same_set(void **state) {
    (void)state;
    LiveSets sets;
    live_sets_init(&sets, 5000);
    LiveSet small = live_set_add(&sets, live_set_add(&sets, 0, 7), 4000);
    live_sets_share(&sets);
    LiveSet large = live_set_add(&sets, small, 300);
    live_sets_share(&sets);
    assert_int_equal(live_set_union(&sets, small, large), large);
    assert_int_equal(live_set_union(&sets, large, small), large);
    assert_int_equal(live_set_union(&sets, large, 0), large);
    assert_false(live_set_has(&sets, small, 300));
    live_sets_free(&sets);
}

static void test_an_emptied_set_is_the_empty_set(void **state) {
    (void)state;
    LiveSets sets;
    live_sets_init(&sets, 100000);
    LiveSet set = live_set_add(&sets, live_set_add(&sets, 0, 99999), 5);
    size_t nodes = sets.num_nodes;
    assert_int_equal(live_set_remove(&sets, live_set_remove(&sets, set, 5), 99999), 0);
    for (VReg v = 0; v < 1000; v++) assert_int_equal(live_set_remove(&sets, live_set_add(&sets, 0, v * 97), v * 97), 0);
    assert_true(sets.num_nodes <= nodes); // nodes are used again
    live_sets_free(&sets);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random_sets_against_bits),
    cmocka_unit_test(test_a_union_with_a_subset_is_the_same_set),
    cmocka_unit_test(test_an_emptied_set_is_the_empty_set),
};
TEST_MAIN(tests)
