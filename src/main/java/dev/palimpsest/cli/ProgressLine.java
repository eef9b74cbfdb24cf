package dev.palimpsest.cli;

import java.util.List;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBarRenderer;
import me.tongfei.progressbar.ProgressState;

/**
 * One line of progress, as wide as the terminal: name, share, bar, and then as many parts (count,
 * rate, time left, time left of all stages, a note) as leave the bar and the name their room, the
 * first the most important.
 */
final class ProgressLine implements ProgressBarRenderer {
  private static final int LEAST_BAR = 8;
  private static final int LEAST_NAME = 18;

  private volatile List<String> parts = List.of();

  /** What stands behind the bar from now on, the most important first. */
  void show(List<String> now) {
    parts = List.copyOf(now);
  }

  @Override
  public String render(ProgressState progress, int width) {
    double share = progress.getMax() > 0 ? (double) progress.getCurrent() / progress.getMax() : 0;
    return render(progress.getTaskName(), Math.min(1, share), width);
  }

  /**
   * The line.
   *
   * @param share done, 0 … 1
   * @param width characters it may have
   */
  String render(String name, double share, int width) {
    String percent = String.format(Locale.ROOT, " %3d%% ", Math.round(100 * share));
    int room = Math.max(0, width - percent.length() - 2);
    int least = Math.min(name.length(), LEAST_NAME) + LEAST_BAR;
    StringBuilder behind = new StringBuilder();
    for (String part : parts) {
      String more = (behind.length() == 0 ? " " : ", ") + part;
      if (least + behind.length() + more.length() > room) {
        break;
      }
      behind.append(more);
    }
    int left = room - behind.length();
    int forName = Math.max(0, Math.min(name.length(), left - LEAST_BAR));
    String shown =
        forName == name.length() || forName == 0
            ? name.substring(0, forName)
            : name.substring(0, forName - 1) + "…";
    int forBar = Math.max(0, Math.min(30, left - forName));
    int filled = (int) Math.round(share * forBar);
    return shown + percent + "│" + "█".repeat(filled) + " ".repeat(forBar - filled) + "│" + behind;
  }
}
