package dev.palimpsest.bench;

import dev.palimpsest.base.Environment;

/**
 * What a benchmark measured. The plain numbers are medians over interleaved repetitions.
 *
 * @param shape the problem
 * @param data what rows the coder saw: synthetic, or a trained coder's own activations
 * @param optimizer the update rule of both steps
 * @param repetitions of each measurement
 * @param sgemmMs the bare single-precision product x W_enc^T into a B x M matrix (libtorch)
 * @param encodeMs exact top-k encode of the batch
 * @param encodeOverSgemm median of the ratio within each repetition
 * @param decodeMs sparse decode of the batch
 * @param stepMs a whole training step of ours: encode, decode, FVU, firing counts, backward and
 *     update
 * @param eagerStepMs the same step as a sequence of eager libtorch operations
 * @param eagerOverStep median of the ratio within each repetition
 * @param eagerPageFaults of an eager step, median: memory that the process had given back and got
 *     again; hundreds of thousands of them cost as long as the arithmetic
 * @param tokensPerSecond rows trained on per second, ours
 * @param peakBytes memory of our step: parameters, optimiser state, batch, and all scratch; the
 *     kernels allocate nothing else
 * @param neededBytes parameters, optimiser state and the batch's own activations alone
 * @param javaShare the time that our step spends outside native code over its whole time; bounded
 *     from above by the time of a step on a problem of size one
 * @param sgemm percentiles
 * @param encode percentiles
 * @param step percentiles
 * @param eagerStep percentiles
 * @param environment machine and versions
 */
public record BenchReport(
    BenchShape shape,
    String data,
    String optimizer,
    int repetitions,
    double sgemmMs,
    double encodeMs,
    double encodeOverSgemm,
    double decodeMs,
    double stepMs,
    double eagerStepMs,
    double eagerOverStep,
    long eagerPageFaults,
    double tokensPerSecond,
    long peakBytes,
    long neededBytes,
    double javaShare,
    Timings sgemm,
    Timings encode,
    Timings step,
    Timings eagerStep,
    Environment environment) {}
