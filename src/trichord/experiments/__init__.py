"""Where the towers meet: training to a finished, measured run; comparisons; the demo."""
