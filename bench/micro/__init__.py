"""What the single steps of a request cost in one worker, and whether one has become dearer.

    python -m bench.micro                   # compared with baseline.json: status 1 for 20 % more
    python -m bench.micro --write           # a new baseline

Machines differ, so costs are not compared in microseconds but in units of a loop of pure Python,
which runs between the steps (see L{bench.micro.timing}).
"""
