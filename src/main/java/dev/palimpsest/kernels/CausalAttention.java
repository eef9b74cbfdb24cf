package dev.palimpsest.kernels;

import org.bytedeco.javacpp.FloatPointer;

/**
 * Causal multi-head attention on the CPU ({@code native/include/palimpsest_cpu.h}): out[b, t, h] =
 * sum over s of softmax(scale · q[b, t, h] k[b, s, h']) v[b, s, h'], s from t - window + 1 to t.
 * Nothing of size T × T is held.
 *
 * @param rows B, sequences
 * @param length T, positions of each
 * @param heads H, of queries
 * @param keyHeads K, of keys and values; a divisor of H
 * @param channels of a head
 * @param window positions that a query sees, its own the last; 0: all up to its own
 * @param scale of the scores, above 0
 */
public record CausalAttention(
    long rows, long length, long heads, long keyHeads, long channels, long window, double scale) {

  /**
   * Heads in memory: channel c of head h at position t of sequence b is element b · rowStride + t ·
   * positionStride + h · headStride + c.
   */
  public record Heads(FloatPointer data, long rowStride, long positionStride, long headStride) {
    private NativeKernels.Heads struct() {
      return new NativeKernels.Heads()
          .data(data)
          .row_stride(rowStride)
          .position_stride(positionStride)
          .head_stride(headStride);
    }
  }

  /**
   * Writes the result.
   *
   * @param out [B, T, H, channels]
   */
  public void apply(
      Heads queries, Heads keys, Heads values, FloatPointer out, Workspace workspace) {
    long size = Math.multiplyExact(Math.multiplyExact(rows * length, heads), channels);
    Checks.array("attention", "out", out, size);
    try (NativeKernels.Heads q = queries.struct();
        NativeKernels.Heads k = keys.struct();
        NativeKernels.Heads v = values.struct();
        NativeKernels.AttentionShape shape = struct()) {
      Checks.status(
          NativeKernels.pal_cpu_attention(
              q, k, v, shape, out, workspace.atLeast(workspaceBytes()), workspace.bytes()));
    }
  }

  /**
   * Writes the result for new positions at the end of sequences of different lengths: bit for bit
   * that of the whole sequences. {@link #rows} is not looked at; {@link #length} is the longest
   * sequence's.
   *
   * @param queries of all new positions, one sequence after the other; their row stride is not
   *     looked at
   * @param sequences what each sequence holds, its new positions included
   * @param out [new positions, H, channels]
   */
  public void applyAfter(
      Heads queries, Sequences sequences, FloatPointer out, Workspace workspace) {
    long size = Math.multiplyExact(sequences.queries() * heads, channels);
    Checks.array("attention", "out", out, size);
    try (NativeKernels.Heads q = queries.struct();
        NativeKernels.AttentionShape shape = struct()) {
      Checks.status(
          NativeKernels.pal_cpu_attention_after(
              q,
              sequences.struct(),
              shape,
              out,
              workspace.atLeast(workspaceBytes()),
              workspace.bytes()));
    }
  }

  private long workspaceBytes() {
    return NativeKernels.pal_cpu_attention_workspace_bytes(length, channels);
  }

  private NativeKernels.AttentionShape struct() {
    NativeKernels.AttentionShape shape = new NativeKernels.AttentionShape();
    shape.rows(rows).length(length).heads(heads).key_heads(keyHeads);
    return shape.channels(channels).window(window).scale((float) scale);
  }
}
