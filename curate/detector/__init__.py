"""The detector of machine text: model, training, evaluation, calibration per group, prevalence."""
