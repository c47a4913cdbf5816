//! Tasks, step by step.
