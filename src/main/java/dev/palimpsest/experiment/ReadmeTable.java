package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.report.Headline;
import dev.palimpsest.report.Markdown;
import dev.palimpsest.report.RewriteTable;
import dev.palimpsest.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Puts a run's main loss table into a Markdown file, between two marks, so that no number is ever
 * typed.
 */
public final class ReadmeTable {
  private static final String BEGIN = "<!-- demo-results:begin -->";
  private static final String END = "<!-- demo-results:end -->";

  private ReadmeTable() {}

  /**
   * Replaces what stands between the marks.
   *
   * @param file with a begin and an end mark, each alone on its line
   * @param folder a run directory with a {@code rewrite.json}
   * @throws PalimpsestException if a mark or the result is missing
   */
  public static void update(Path file, Path folder) {
    RewriteTable table = RewriteTable.read(RunDirectory.existing(folder).rewrite());
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new PalimpsestException(file + ": expected the marks " + BEGIN + " and " + END);
    }
    AtomicFiles.writeString(
        file,
        text.substring(0, begin + BEGIN.length()) + "\n" + section(table) + text.substring(end));
  }

  private static String section(RewriteTable table) {
    List<String> sentences = Headline.sentences(table).stream().map(Markdown::text).toList();
    return "\n" + String.join("\n", sentences) + "\n\n" + Markdown.summary(table) + "\n";
  }
}
