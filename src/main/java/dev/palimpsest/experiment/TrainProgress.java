package dev.palimpsest.experiment;

import dev.palimpsest.run.RunLog;
import dev.palimpsest.train.Progress;
import java.util.Locale;

/** Passes a training run's progress on to the run's log. */
final class TrainProgress implements Progress {
  private final RunLog log;
  private long total;

  TrainProgress(RunLog log) {
    this.log = log;
  }

  @Override
  public void start(long done, long all) {
    total = all;
    log.progress("training (tokens)", done, all, "");
  }

  @Override
  public void step(long tokens, double fvu) {
    log.progress("training (tokens)", tokens, total, String.format(Locale.ROOT, "fvu %.4f", fvu));
  }

  @Override
  public void close() {}
}
