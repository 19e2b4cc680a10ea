"""The networks of the paper and of its rival: DenseNet-40 on the pixels of 64 x 64 patches."""
