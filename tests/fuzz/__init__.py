"""Fuzz targets, and what runs them: C{make fuzz}.

A I{target} (C{targets/}) is a function that takes any bytes, gives them to one part of sipapp, and
raises if that part breaks a promise. It says nothing about where the bytes come from. Two I{means}
make them up: C{guided} mutates what has reached new code before (atheris, that is libFuzzer), and
C{generated} builds them from a description (hypothesis), and makes what fails as small as it can.
A I{campaign} is one target tried by one means for a time, in a process of its own, which another
one watches: it may not fail, hang, die or grow.

What is found stands in C{build/fuzz/findings/}. Mended, it moves to C{tests/corpus/fuzz/TARGET/},
where C{test_targets.py} tries it again at every C{make test}, and every campaign begins with it.
"""
