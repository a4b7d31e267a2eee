"""The tower without torch: running, explaining and evaluating model files."""
