# The curve of polymorphic degrees, from the benchmark's results. In the step's directory:
#   gnuplot figures/degrees.gp > figures/degrees.svg
results = "bench/results.jsonl"
if (exists("ARG1") && strlen(ARG1)) results = ARG1
fastest(contestant) = real(system("sed -n '/\"shapes at one call\"/s/.*\"contestant\": *\"" . contestant . \
                                  "\".*\"min_ns\": *\\([0-9.]*\\).*/\\1/p' " . results . " | tail -n 1"))
set terminal svg size 640,320 dynamic font "sans-serif,13" background rgb "white"
set xlabel "classes of the objects at one call"
set ylabel "ns per turn, fastest"
set yrange [0:*]
set xrange [0.5:8.7]
set xtics ("1" 1, "2" 2, "3" 3, "4" 4, "5" 5, "16" 6, "16, no cache" 7) nomirror
set ytics nomirror
set tics scale 0
set grid y lc rgb "#dddddd"
set border 3
set key off
loop = fastest("the loop alone")
set arrow from 0.5, loop to 8.7, loop nohead dt 2 lc rgb "#8a929b"
set label "the loop alone" at 7.45, loop offset 0, 0.6 tc rgb "#4a555f"
set boxwidth 0.6
set style fill solid 0.75 border
array names[7] = ["degree 1", "degree 2", "degree 3", "degree 4", "degree 5", "megamorphic", "no cache"]
plot sample [i=1:7:1] "+" using (i):(fastest(names[int(i)])) with boxes lc rgb "#2a6496", \
     [i=1:7:1] "+" using (i):(fastest(names[int(i)])):(sprintf("%.1f", fastest(names[int(i)]))) with labels offset 0, 0.6
