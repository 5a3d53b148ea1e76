"""Compiled loops over state-action pairs. Outputs are arguments; nothing is allocated.

CSR index arrays are passed as unsigned views: a signed index would be tested for
being negative at every access, which doubles the time of a short row.
"""

import math
from typing import Any

from .._jit import kernel

__all__: list[str] = []


@kernel
def _greedy(q: Any, y: Any, policy: Any) -> None:
    """y[s] = max_a q[s,a]; policy[s] = its smallest maximiser."""
    S, A = q.shape
    for s in range(S):
        best, choice = q[s, 0], 0
        for a in range(1, A):
            if q[s, a] > best:
                best, choice = q[s, a], a
        y[s], policy[s] = best, choice


@kernel
def _backup_csr(
    indptr: Any, indices: Any, data: Any, r: Any, gamma: float, w: Any, q: Any, y: Any, policy: Any
) -> None:
    """q[s,a] = r[s,a] + gamma * P[s,a] . w for CSR rows s*A + a; y and policy as in `_greedy`."""
    S, A = r.shape
    for s in range(S):
        for a in range(A):
            total = 0.0
            for k in range(indptr[s * A + a], indptr[s * A + a + 1]):
                total += data[k] * w[indices[k]]
            q[s, a] = r[s, a] + gamma * total
        best, choice = q[s, 0], 0
        for a in range(1, A):
            value = q[s, a]
            choice = a if value > best else choice
            best = value if value > best else best
        y[s], policy[s] = best, choice


@kernel
def _row_sum_error_csr(indptr: Any, data: Any) -> float:
    """Largest |row sum - 1|; each sum carries its rounding errors along (Knuth's TwoSum)."""
    worst = 0.0
    for row in range(indptr.shape[0] - 1):
        total, lost = -1.0, 0.0
        for k in range(indptr[row], indptr[row + 1]):
            new = total + data[k]
            part = new - total
            lost += (total - (new - part)) + (data[k] - part)
            total = new
        worst = max(worst, abs(total + lost))
    return worst


@kernel
def _row_sum_error_compensated(P: Any) -> float:
    """`_row_sum_error_csr` for the rows of a dense table."""
    worst = 0.0
    for row in range(P.shape[0]):
        total, lost = -1.0, 0.0
        for k in range(P.shape[1]):
            new = total + P[row, k]
            part = new - total
            lost += (total - (new - part)) + (P[row, k] - part)
            total = new
        worst = max(worst, abs(total + lost))
    return worst


@kernel
def _row_sum_error_dense(P: Any) -> float:
    """Largest |computed row sum - 1|; each row in chunks of 256 entries over 8 partial sums.

    An entry passes through at most 32 + 3 + 7 + n/256 + 1 additions. Fast enough to ride on a product.
    """
    rows, n = P.shape
    worst = 0.0
    for row in range(rows):
        total = -1.0
        start = 0
        while start < n:
            stop = min(n, start + 256)
            total += _chunk_sum(P[row, start:stop])
            start = stop
        worst = max(worst, abs(total))
    return worst


@kernel
def _chunk_sum(x: Any) -> float:
    """Sum of at most 256 numbers through eight partial sums."""
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
    whole = x.shape[0] - x.shape[0] % 8
    for j in range(0, whole, 8):
        a0 += x[j]
        a1 += x[j + 1]
        a2 += x[j + 2]
        a3 += x[j + 3]
        a4 += x[j + 4]
        a5 += x[j + 5]
        a6 += x[j + 6]
        a7 += x[j + 7]
    total = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))
    for j in range(whole, x.shape[0]):
        total += x[j]
    return total


@kernel
def _apply_csr(indptr: Any, indices: Any, data: Any, c: Any, gamma: float, w: Any, out: Any) -> Any:
    """out[s] = c[s] + gamma * P[s] . w, for CSR rows of one policy; returns the range of out - w."""
    low, high = math.inf, -math.inf
    for s in range(c.shape[0]):
        total = 0.0
        for k in range(indptr[s], indptr[s + 1]):
            total += data[k] * w[indices[k]]
        value = c[s] + gamma * total
        change = value - w[s]
        low, high = min(low, change), max(high, change)
        out[s] = value
    return low, high


@kernel
def _gather_csr(indptr: Any, indices: Any, data: Any, rows: Any, out_ptr: Any, out_indices: Any, out_data: Any) -> None:
    """Copy the given rows of a CSR matrix into another; out_ptr is already filled."""
    for i in range(rows.shape[0]):
        source, target = indptr[rows[i]], out_ptr[i]
        for k in range(out_ptr[i + 1] - target):
            out_indices[target + k] = indices[source + k]
            out_data[target + k] = data[source + k]


@kernel
def _gauss_seidel_csr(indptr: Any, indices: Any, data: Any, r: Any, gamma: float, w: Any) -> None:
    """One in-place sweep in the order of the states: w[s] = max_a r[s,a] + gamma * P[s,a] . w."""
    S, A = r.shape
    for s in range(S):
        best = -math.inf
        for a in range(A):
            total = 0.0
            for k in range(indptr[s * A + a], indptr[s * A + a + 1]):
                total += data[k] * w[indices[k]]
            best = max(best, r[s, a] + gamma * total)
        w[s] = best


@kernel
def _gauss_seidel_dense(P: Any, r: Any, gamma: float, w: Any) -> None:
    """One in-place sweep in the order of the states; P[s,a,s']."""
    S, A = r.shape
    for s in range(S):
        best = -math.inf
        for a in range(A):
            total = 0.0
            for j in range(S):
                total += P[s, a, j] * w[j]
            best = max(best, r[s, a] + gamma * total)
        w[s] = best


@kernel
def _extent(w: Any, y: Any) -> Any:
    """Smallest and largest ``y - w``, and the largest absolute value of ``w`` and of ``y``."""
    low = high = y[0] - w[0]
    scale = reach = 0.0
    for s in range(y.shape[0]):
        delta = y[s] - w[s]
        low, high = min(low, delta), max(high, delta)
        scale, reach = max(scale, abs(w[s])), max(reach, abs(y[s]))
    return low, high, scale, reach


@kernel
def _centre(y: Any, w: Any) -> Any:
    """Subtract the middle of the range of ``y``; ``w`` takes the rest, the middle is returned."""
    low = high = y[0]
    for s in range(y.shape[0]):
        low, high = min(low, y[s]), max(high, y[s])
    middle = 0.5 * low + 0.5 * high
    for s in range(y.shape[0]):
        w[s] = y[s] - middle
    return middle


@kernel
def _change(w: Any, y: Any) -> Any:
    """Smallest and largest ``y - w``."""
    low = high = y[0] - w[0]
    for s in range(y.shape[0]):
        delta = y[s] - w[s]
        low, high = min(low, delta), max(high, delta)
    return low, high


@kernel
def _attract(indptr: Any, rows: Any, missing: Any, hit: Any, members: Any, queue: Any) -> None:
    """Grow ``members`` by every state all of whose actions may lead into it.

    indptr, rows : predecessor rows s*A + a of each state; missing[s] : actions not yet hit.
    """
    S = members.shape[0]
    A = missing[0]
    tail = 0
    for s in range(S):
        if members[s]:
            queue[tail] = s
            tail += 1
    head = 0
    while head < tail:
        state = queue[head]
        head += 1
        for k in range(indptr[state], indptr[state + 1]):
            row = rows[k]
            if not hit[row]:
                hit[row] = True
                source = row // A
                missing[source] -= 1
                if missing[source] == 0 and not members[source]:
                    members[source] = True
                    queue[tail] = source
                    tail += 1


@kernel
def _tighten_bound(
    start: Any, indptr: Any, indices: Any, data: Any, gain: Any, x: Any, maximise: bool, forward: bool, outward: float
) -> float:
    """Update a bound in place, in one direction; it only tightens. Returns the largest change.

    outward : rounding allowance, negative for a lower bound and positive for an upper one.
    """
    blocks = x.shape[0]
    largest = 0.0
    for i in range(blocks):
        b = i if forward else blocks - 1 - i
        best = 0.0
        for row in range(start[b], start[b + 1]):
            total = gain[row]
            for k in range(indptr[row], indptr[row + 1]):
                total += data[k] * x[indices[k]]
            if row == start[b] or (total > best if maximise else total < best):
                best = total
        best += outward
        better = best > x[b] if outward < 0.0 else best < x[b]
        if better:
            largest = max(largest, abs(best - x[b]))
            x[b] = best
    return largest
