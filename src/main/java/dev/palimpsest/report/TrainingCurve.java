package dev.palimpsest.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * How one coder's training went.
 *
 * @param coder name shown in the legend, e.g. "layers.2.mlp" or "layers.2.mlp seed 1"
 * @param steps in ascending order of step; long runs are thinned when drawn
 * @param heldOut evaluations on held-out text, in ascending order of step; may be empty
 */
public record TrainingCurve(String coder, List<Step> steps, List<HeldOut> heldOut) {
  /** Copies the lists. */
  public TrainingCurve {
    steps = List.copyOf(steps);
    heldOut = List.copyOf(heldOut);
  }

  /**
   * Reads the curves of all coders from a run's {@code metrics.jsonl}. Lines that are not whole (a
   * killed run may leave one at the end) are passed over.
   *
   * @return one per coder in the order of first mention; empty without a file
   * @throws PalimpsestException naming the file if it is there and cannot be read
   */
  public static List<TrainingCurve> readAll(Path metrics) {
    if (!Files.exists(metrics)) {
      return List.of();
    }
    Map<String, List<Step>> steps = new LinkedHashMap<>();
    Map<String, List<HeldOut>> heldOut = new LinkedHashMap<>();
    try (Stream<String> lines = Files.lines(metrics)) {
      lines.forEach(
          line ->
              parse(line)
                  .ifPresent(
                      node -> {
                        for (JsonNode coder : node.path("coders")) {
                          add(node.path("step").asLong(), coder, steps, heldOut);
                        }
                      }));
    } catch (IOException | UncheckedIOException failure) {
      throw new PalimpsestException(
          "cannot read " + metrics + ": " + failure.getMessage(), failure);
    }
    List<TrainingCurve> curves = new ArrayList<>();
    steps.forEach(
        (coder, points) ->
            curves.add(new TrainingCurve(coder, points, heldOut.getOrDefault(coder, List.of()))));
    return curves;
  }

  private static void add(
      long step,
      JsonNode coder,
      Map<String, List<Step>> steps,
      Map<String, List<HeldOut>> heldOut) {
    String name = coder.path("coder").asText();
    if (coder.path("fvu").isNumber()) {
      steps
          .computeIfAbsent(name, key -> new ArrayList<>())
          .add(new Step(step, coder.path("fvu").asDouble()));
    }
    if (coder.path("held_out_fvu").isNumber()) {
      JsonNode score = coder.path("ce_loss_score");
      heldOut
          .computeIfAbsent(name, key -> new ArrayList<>())
          .add(
              new HeldOut(
                  step,
                  coder.path("held_out_fvu").asDouble(),
                  score.isNumber() ? OptionalDouble.of(score.asDouble()) : OptionalDouble.empty()));
    }
  }

  private static Optional<JsonNode> parse(String line) {
    try {
      return line.isBlank() ? Optional.empty() : Optional.of(Json.MAPPER.readTree(line));
    } catch (JsonProcessingException incomplete) {
      return Optional.empty();
    }
  }

  /**
   * @param step optimiser step, from 0 or 1
   * @param fvu fraction of variance unexplained on this step's batch
   */
  public record Step(long step, double fvu) {}

  /**
   * @param step optimiser step before which (or after which) the coder was evaluated
   * @param fvu fraction of variance unexplained on held-out text
   * @param ceLossScore (CE_zero_output - CE_coder) / (CE_zero_output - CE_unspliced), where
   *     measured
   */
  public record HeldOut(long step, double fvu, OptionalDouble ceLossScore) {}
}
