"""What a model is fine-tuned for: data, labels, examples."""
