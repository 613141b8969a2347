#!/usr/bin/env python3
"""Tests of tools/deps, in a PATH of made-up tools."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
DEPS = os.path.join(TOP, "tools", "deps")
SYSTEM = ["sh", "cat", "uname", "mktemp", "rm", "tr", "env", "touch"]      # what a bare system has
TOOLS = ["gcc", "make", "python3", "git", "as", "gdb", "clang", "pandoc", "dot", "gnuplot"]
# A compiler that finds the headers named in $HEADERS, and links sanitizers when $SANITIZERS is set.
COMPILER = """\
#!/bin/sh
case "$*" in
*--version*) echo "gcc (Made Up 9.9.1-14) 9.9.1"; exit ;;
*-fsanitize*) [ -n "$SANITIZERS" ]; exit ;;
esac
while read -r line; do
    case $line in
    *capstone*) case $HEADERS in *capstone*) ;; *) exit 1 ;; esac ;;
    *cmocka*) case $HEADERS in *cmocka*) ;; *) exit 1 ;; esac ;;
    esac
done
"""


class Deps(unittest.TestCase):
    def setUp(self):
        self.bin = tempfile.mkdtemp(prefix="deps-test-")
        for name in SYSTEM:
            os.symlink(shutil.which(name), os.path.join(self.bin, name))
        self.tool("id", 'echo "${FAKE_UID:-0}"')

    def tearDown(self):
        shutil.rmtree(self.bin)

    def tool(self, name, body=None):
        path = os.path.join(self.bin, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(COMPILER if body is None and name in ("gcc", "clang")
                       else f"#!/bin/sh\n{body or 'echo ' + name + ' version 1.2.3'}\n")
        os.chmod(path, 0o755)

    def everything(self):
        for name in TOOLS:
            self.tool(name)
        return {"HEADERS": "capstone cmocka", "SANITIZERS": "1"}

    def deps(self, *arguments, **environment):
        result = subprocess.run([os.path.join(self.bin, "sh"), DEPS, *arguments], capture_output=True, text=True,
                                timeout=30, env={"PATH": self.bin, "HOME": self.bin, **environment})
        return result.returncode, result.stdout, result.stderr

    def log(self):
        path = os.path.join(self.bin, "log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_nothing_missing(self):
        here = self.everything()
        self.assertEqual(self.deps("--check", **here), (0, "", ""))
        code, output, _ = self.deps("--doctor", **here)
        self.assertEqual(code, 0)
        self.assertIn("Nothing is missing.", output)
        self.assertRegex(output, r"gcc +9\.9\.1 +run, test")
        self.assertRegex(output, r"pandoc +1\.2\.3 ")
        self.assertNotIn("MISSING", output)

    def test_bare_system(self):
        code, output, _ = self.deps("--check")
        self.assertEqual(code, 1)
        self.assertEqual(output, "missing: gcc, make, capstone, cmocka, python3, git, binutils, gdb, clang, "
                         "gcc sanitizers, clang sanitizers, pandoc, graphviz, gnuplot\n")

    def test_each_missing_tool_is_named(self):
        here = self.everything()
        names = dict(zip(TOOLS, TOOLS), **{"as": "binutils", "dot": "graphviz"})
        for tool in TOOLS:
            if tool not in ("gcc", "clang"):
                os.rename(os.path.join(self.bin, tool), os.path.join(self.bin, "away"))
                self.assertEqual(self.deps("--check", **here)[:2], (1, f"missing: {names[tool]}\n"))
                os.rename(os.path.join(self.bin, "away"), os.path.join(self.bin, tool))

    def test_missing_header_and_sanitizer(self):
        self.everything()
        self.assertEqual(self.deps("--check", HEADERS="capstone", SANITIZERS="1")[1], "missing: cmocka\n")
        self.assertEqual(self.deps("--check", HEADERS="capstone cmocka")[1],
                         "missing: gcc sanitizers, clang sanitizers\n")

    def test_old_python(self):
        here = self.everything()
        self.tool("python3", "[ $1 = --version ] && echo Python 3.9.2")
        self.assertEqual(self.deps("--check", **here)[1], "missing: python3\n")
        self.assertIn("python3            TOO OLD", self.deps("--doctor", **here)[1])

    def test_for_one_target(self):
        self.tool("gcc")
        self.tool("make")
        self.assertEqual(self.deps("--check", "--for", "run")[0], 0)
        self.assertEqual(self.deps("--check", "--for=book")[1], "missing: python3, pandoc, graphviz, gnuplot\n")
        self.assertIn("cmocka", self.deps("--check", "--for", "test")[1])

    def test_doctor_gives_one_command(self):
        for manager, command in (
                ("apt-get", "apt-get update && env DEBIAN_FRONTEND=noninteractive apt-get install -y "
                            "--no-install-recommends libcmocka-dev"),
                ("dnf", "dnf install -y libcmocka-devel"), ("pacman", "pacman -S --needed --noconfirm cmocka"),
                ("zypper", "zypper --non-interactive install libcmocka-devel"), ("apk", "apk add cmocka-dev")):
            with self.subTest(manager):
                self.everything()
                self.tool(manager)
                code, output, _ = self.deps("--doctor", HEADERS="capstone", SANITIZERS="1")
                self.assertEqual(code, 1)
                self.assertIn("cmocka             MISSING", output)
                self.assertIn(f"\n    {command}\n", output)
                os.remove(os.path.join(self.bin, manager))

    def test_doctor_without_a_package_manager(self):
        code, output, _ = self.deps("--doctor")
        self.assertEqual(code, 1)
        self.assertIn("No package manager known here", output)

    def test_doctor_uses_sudo_for_ordinary_users(self):
        self.everything()
        self.tool("apt-get")
        output = self.deps("--doctor", HEADERS="", SANITIZERS="1", FAKE_UID="1000")[1]
        self.assertIn("    sudo apt-get update && sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y ", output)

    def test_install_as_root(self):
        here = self.everything()
        os.remove(os.path.join(self.bin, "pandoc"))
        os.remove(os.path.join(self.bin, "gdb"))
        self.tool("apt-get", f'echo "$DEBIAN_FRONTEND: apt-get $*" >> {self.bin}/log\n'
                  f'for word; do [ "$word" = install ] && cat {self.bin}/git > {self.bin}/pandoc '
                  f'&& cat {self.bin}/git > {self.bin}/gdb && /bin/chmod +x {self.bin}/pandoc {self.bin}/gdb; done; true')
        code, output, errors = self.deps("--install", **here)
        self.assertEqual((code, errors), (0, ""), output)
        self.assertEqual(self.log(), ": apt-get update\n"
                         "noninteractive: apt-get install -y --no-install-recommends gdb pandoc\n")
        self.assertTrue(output.startswith("+ apt-get update && "), output)
        self.assertIn("Everything is here.", output)

    def test_install_through_sudo(self):
        here = self.everything()
        os.remove(os.path.join(self.bin, "gdb"))
        self.tool("dnf", f'echo "dnf $*" >> {self.bin}/log; cat {self.bin}/git > {self.bin}/gdb; /bin/chmod +x {self.bin}/gdb')
        self.tool("sudo", f'echo "sudo $*" >> {self.bin}/log; "$@"')
        self.assertEqual(self.deps("--install", FAKE_UID="1000", **here)[0], 0)
        self.assertEqual(self.log(), "sudo dnf install -y gdb\ndnf install -y gdb\n")

    def test_install_without_rights(self):
        here = self.everything()
        os.remove(os.path.join(self.bin, "gdb"))
        self.tool("dnf", f"touch {self.bin}/log")
        code, output, errors = self.deps("--install", FAKE_UID="1000", **here)
        self.assertEqual((code, output), (1, ""))
        self.assertEqual(errors, "deps: needs root; run as root: sudo dnf install -y gdb\n")
        self.assertEqual(self.log(), "")

    def test_install_that_fails(self):
        here = self.everything()
        os.remove(os.path.join(self.bin, "gdb"))
        self.tool("dnf", "exit 1")
        code, _, errors = self.deps("--install", **here)
        self.assertEqual(code, 1)
        self.assertIn("the package manager failed", errors)
        self.tool("dnf", "exit 0")                      # says it worked, and installed nothing
        code, _, errors = self.deps("--install", **here)
        self.assertEqual((code, errors), (1, "deps: still missing: gdb\n"))

    def test_install_with_nothing_to_do(self):
        here = self.everything()
        self.tool("apt-get", f"touch {self.bin}/log")
        self.assertEqual(self.deps("--install", **here)[:2], (0, "Nothing is missing.\n"))
        self.assertEqual(self.log(), "")

    def test_list_names_every_package(self):
        output = self.deps()[1]
        for word in ("gcc libc6-dev", "libcapstone-dev", "libcmocka-dev", "gnuplot-nox", "libclang-rt-dev", "pandoc-cli"):
            self.assertIn(word, output)

    def test_usage(self):
        self.assertEqual(self.deps("--bogus")[0], 2)
        self.assertEqual(self.deps("--for", "lunch")[0], 2)
        self.assertIn("--doctor", self.deps("--help")[1])


if __name__ == "__main__":
    unittest.main()
