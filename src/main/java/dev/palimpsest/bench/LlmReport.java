package dev.palimpsest.bench;

import dev.palimpsest.base.Environment;

/**
 * How fast a language model runs here. The plain numbers are medians over repetitions.
 *
 * @param layers of the model
 * @param width of the model
 * @param precision of the dense layers' products
 * @param threads that worked
 * @param prefillTokens of a prompt
 * @param prefillTokensPerSecond of a prompt read from nothing, with the logits after its last token
 * @param prefillProcessorMs processor time of the prompt, all threads together: what remains
 *     comparable on a machine that does other work, too
 * @param decodeTokensPerSecond of one answer alone, the reading of its short prompt included
 * @param batchDecodeTokensPerSecond of {@link LlmBench#ROWS} answers together
 * @param sharedTokens that label questions begin with in common
 * @param ownTokens of each question
 * @param questionsPerSecond label questions, their common beginning run once
 * @param unsharedQuestionsPerSecond each question from its beginning
 * @param productGflops the processor's product peak, measured: our own product on operands that
 *     stay in its caches, at its best
 * @param prefillGflops the dense layers' arithmetic of the prompt over its time
 * @param shareOfPeak the latter over the former
 * @param weightBytes of the model's files
 * @param residentBytes of the process, after all of the above
 * @param peakResidentBytes the most that it had
 * @param eagerPrefillTokensPerSecond the same prompt where libtorch computes all layers
 * @param eagerPrefillProcessorMs its processor time
 * @param eagerDecodeTokensPerSecond one answer alone by libtorch
 * @param prefillOverEager our rate over libtorch's, the median over pairs
 * @param prefill percentiles
 * @param environment machine and versions
 */
public record LlmReport(
    int layers,
    int width,
    String precision,
    int threads,
    int prefillTokens,
    double prefillTokensPerSecond,
    double prefillProcessorMs,
    double decodeTokensPerSecond,
    double batchDecodeTokensPerSecond,
    int sharedTokens,
    int ownTokens,
    double questionsPerSecond,
    double unsharedQuestionsPerSecond,
    double productGflops,
    double prefillGflops,
    double shareOfPeak,
    long weightBytes,
    long residentBytes,
    long peakResidentBytes,
    double eagerPrefillTokensPerSecond,
    double eagerPrefillProcessorMs,
    double eagerDecodeTokensPerSecond,
    double prefillOverEager,
    Timings prefill,
    Environment environment) {}
