"""Making the shipped model: data, fine-tuning, calibration, export and evaluation."""
