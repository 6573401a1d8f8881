raise_here = 1 / 0
