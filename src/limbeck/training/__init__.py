"""One loop for pretraining, distillation and fine-tuning."""
