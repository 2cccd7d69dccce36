"""From pending rows to calls to results: intake, runner, finisher, with a journal for bad days."""
