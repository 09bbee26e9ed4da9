"""Numbers that Python and C draw alike, so that golden files need not hold them: core/philox.h in NumPy."""
import numpy as np

MASK = np.uint64(0xFFFFFFFF)


def blocks(key, count):
    """rlc_philox(key, i, 0) for i below count: words as uint32 [count, 4]."""
    zero = np.zeros(count, np.uint64)
    x = [np.arange(count, dtype=np.uint64), zero, zero, zero]
    k0, k1 = np.uint64(key) & MASK, np.uint64(key) >> np.uint64(32)
    for _ in range(10):
        a, b = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [(b >> np.uint64(32)) ^ x[1] ^ k0, b & MASK, (a >> np.uint64(32)) ^ x[3] ^ k1, a & MASK]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & MASK, (k1 + np.uint64(0xBB67AE85)) & MASK
    return np.stack(x, 1).astype(np.uint32)


def stream_key(seed, name):
    """rlc_stream_key: which numbers a stream draws."""
    whole, mixed = (1 << 64) - 1, 0xCBF29CE484222325
    for c in name.encode():
        mixed = (mixed ^ c) * 0x100000001B3 & whole
    z = mixed + seed * 0x9E3779B97F4A7C15 & whole
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & whole
    z = (z ^ z >> 27) * 0x94D049BB133111EB & whole
    return z ^ z >> 31


def between(words, low, high):
    """rlc_between: float32 arithmetic."""
    low, high = np.float32(low), np.float32(high)
    return low + (high - low) * ((words >> 8).astype(np.float32) * np.float32(2.0**-24))


def below(words, n):
    """rlc_below."""
    return ((words.astype(np.uint64) * np.uint64(n)) >> np.uint64(32)).astype(np.int64)
