"""One scenario per file; each has `measure(mode, sink)`, which gives figures."""
