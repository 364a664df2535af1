"""Training loops. They need torch, numpy, Pillow and safetensors only, and run from a bare checkout."""
