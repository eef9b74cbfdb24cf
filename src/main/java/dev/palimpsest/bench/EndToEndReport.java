package dev.palimpsest.bench;

import dev.palimpsest.base.Environment;

/**
 * What training end to end costs: language model and coder. The plain numbers are medians over
 * interleaved repetitions.
 *
 * @param shape the coder's problem; a batch is this many tokens
 * @param hookpoint where the coder sits
 * @param layers of the language model
 * @param precision of the language model's dense layers, ours and the baseline's
 * @param contextLength tokens of a sequence
 * @param repetitions of each measurement
 * @param forwardMs the language model as far as the hook needs it, gathered rows included
 * @param updateMs the coder's step
 * @param stepMs both
 * @param tokensPerSecond trained on by us
 * @param forwardShare the language model's part of our step
 * @param fullForwardMs all blocks of the language model, as tools run it that hook it with
 *     callbacks
 * @param headMs its final norm and head, which those tools run too when they are given a causal
 *     language model, as sparsify's documentation does, but not from sparsify's command line
 * @param eagerUpdateMs the coder's step as eager libtorch operations
 * @param eagerStepMs all blocks and the eager update
 * @param eagerTokensPerSecond trained on by the eager baseline
 * @param eagerOverStep median of the ratio within each repetition
 * @param eagerWithHeadTokensPerSecond the same with the head
 * @param eagerWithHeadOverStep the same with the head
 * @param step percentiles of ours
 * @param eagerStep percentiles of the baseline
 * @param environment machine and versions
 */
public record EndToEndReport(
    BenchShape shape,
    String hookpoint,
    int layers,
    String precision,
    int contextLength,
    int repetitions,
    double forwardMs,
    double updateMs,
    double stepMs,
    double tokensPerSecond,
    double forwardShare,
    double fullForwardMs,
    double headMs,
    double eagerUpdateMs,
    double eagerStepMs,
    double eagerTokensPerSecond,
    double eagerOverStep,
    double eagerWithHeadTokensPerSecond,
    double eagerWithHeadOverStep,
    Timings step,
    Timings eagerStep,
    Environment environment) {}
