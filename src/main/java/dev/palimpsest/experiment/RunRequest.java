package dev.palimpsest.experiment;

import dev.palimpsest.llm.Budget;
import dev.palimpsest.run.StageName;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a command asks of a run.
 *
 * @param stages that are wanted; those they stand on are brought up to date where need be
 * @param force whether wanted stages are repeated where nothing has changed
 * @param refresh whether a stage that a wanted one stands on, and that is out of date, is done
 *     again; otherwise it is an error
 * @param replaceTexts whether explanations that a person wrote are replaced by the explainer's
 * @param budget what may be spent on language models' answers
 * @param dryRun whether nothing is done, and only told what language models would be asked
 */
public record RunRequest(
    Set<StageName> stages,
    boolean force,
    boolean refresh,
    boolean replaceTexts,
    Budget budget,
    boolean dryRun) {
  /** Without a limit of what may be spent. */
  public RunRequest(Set<StageName> stages, boolean force, boolean refresh, boolean replaceTexts) {
    this(stages, force, refresh, replaceTexts, Budget.UNLIMITED, false);
  }

  /** Copies the set. */
  public RunRequest {
    stages = Set.copyOf(stages);
  }

  /** Every stage. */
  public static RunRequest everything(boolean force, boolean replaceTexts) {
    return new RunRequest(EnumSet.allOf(StageName.class), force, true, replaceTexts);
  }

  /** The same within a budget, or only told what it would ask. */
  public RunRequest within(Budget limits, boolean dry) {
    return new RunRequest(stages, force, refresh, replaceTexts, limits, dry);
  }

  /** Whether a stage is asked for. */
  boolean wants(StageName stage) {
    return stages.contains(stage);
  }

  /** Whether the explainer is to run and to replace what a person wrote. */
  boolean replacesTexts() {
    return replaceTexts && wants(StageName.EXPLAIN);
  }

  /** Whether a wanted stage keeps or reads the texts, so that their faults would end it. */
  boolean readsTexts() {
    return stages.stream()
        .anyMatch(
            stage ->
                switch (stage) {
                  case EXPLAIN, SCORE, SIMULATE, REWRITE -> true;
                  case TRAIN, CACHE, REPORT -> false;
                });
  }

  /** Whether the coders are part of it: only then may they change. */
  boolean trains() {
    return wants(StageName.TRAIN);
  }
}
