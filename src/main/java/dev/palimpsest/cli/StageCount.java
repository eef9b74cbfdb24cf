package dev.palimpsest.cli;

import dev.palimpsest.run.RunLog.Planned;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Where a run stands among its stages: which of how many, and what all that are left may take. The
 * seconds of a unit of expected work are those measured in this process so far, so the time left is
 * a guess that gets better.
 */
final class StageCount {
  private final List<Planned> stages;
  private int present = -1;
  private double measuredWork;
  private double measuredSeconds;

  StageCount(List<Planned> stages) {
    this.stages = List.copyOf(stages);
  }

  /** A stage begins, or turns out to be finished. */
  void at(String stage) {
    for (int i = 0; i < stages.size(); i++) {
      if (stages.get(i).name().equals(stage)) {
        present = i;
      }
    }
  }

  /** The present stage has been done by this process. */
  void finished(double seconds) {
    if (present >= 0) {
      measuredWork += stages.get(present).work();
      measuredSeconds += seconds;
    }
  }

  /** {@code stage 3 of 14}; empty where the stages were not told. */
  Optional<String> place() {
    return present < 0
        ? Optional.empty()
        : Optional.of("stage " + (present + 1) + " of " + stages.size());
  }

  /** The same where room is short: {@code 3/14}. */
  Optional<String> shortPlace() {
    return present < 0 ? Optional.empty() : Optional.of((present + 1) + "/" + stages.size());
  }

  /**
   * Seconds until the last stage is done; empty while the work of one to come is not known, as the
   * sum of the others would be too little.
   *
   * @param pace of the present stage
   */
  OptionalDouble secondsLeft(Pace pace) {
    OptionalDouble here = pace.secondsLeft();
    if (present < 0 || stages.size() < 2 || here.isEmpty()) {
      return OptionalDouble.empty();
    }
    double work = measuredWork + stages.get(present).work() * pace.share();
    List<Planned> behind = stages.subList(present + 1, stages.size());
    boolean known = behind.stream().allMatch(stage -> stage.work() > 0);
    return work > 0 && known
        ? OptionalDouble.of(
            here.getAsDouble()
                + behind.stream().mapToDouble(Planned::work).sum()
                    * (measuredSeconds + pace.seconds())
                    / work)
        : OptionalDouble.empty();
  }
}
