# The curve of compile time, from the benchmark's results. In the step's directory:
#   gnuplot figures/compile.gp > figures/compile.svg
results = "bench/results.jsonl"
if (exists("ARG1") && strlen(ARG1)) results = ARG1
median(size, contestant) = real(system(sprintf("sed -n '/\"compile time, %d bytecodes\"/s/.*\"contestant\": *\"%s\".*\"median_ns\": *\\([0-9.]*\\).*/\\1/p' %s | tail -n 1", size, contestant, results)))
set terminal svg size 640,340 dynamic font "sans-serif,13" background rgb "white"
set xlabel "bytecodes in one function"
set ylabel "ns per bytecode, median"
set logscale xy
set xrange [7:1.5e6]
set yrange [10:*]
set format x "10^{%L}"
set tics scale 0.5 nomirror
set grid y lc rgb "#dddddd"
set border 3
set key top right
array sizes[6] = [10, 100, 1000, 10000, 100000, 1000000]
plot sample [i=1:6:1] "+" using (sizes[int(i)]):(median(sizes[int(i)], "opt, linear scan")) with linespoints lw 2 pt 7 lc rgb "#2a6496" title "optimising, linear scan", \
     [i=1:6:1] "+" using (sizes[int(i)]):(median(sizes[int(i)], "opt, Poletto")) with linespoints lw 2 pt 5 lc rgb "#96702a" title "optimising, Poletto", \
     [i=1:6:1] "+" using (sizes[int(i)]):(median(sizes[int(i)], "baseline")) with linespoints lw 2 pt 9 lc rgb "#8a929b" title "baseline"
