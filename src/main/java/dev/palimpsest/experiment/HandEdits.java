package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageLedger.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which of a coder's explanations a person has written. The explainer's own lines are kept apart
 * ({@code stages/written}); a line that differs from them, or is gone, is the person's, and stays
 * the person's when the explainer runs again. Where the explainer's lines are damaged or gone, and
 * cannot be had again, every line counts as a person's: nothing is lost.
 */
final class HandEdits {
  private final Path file;
  private final Path written;
  private final Path fresh;

  HandEdits(RunDirectory run, String coder) {
    file = run.explanations(coder);
    written = run.writtenExplanations(coder);
    fresh = written.resolveSibling(written.getFileName() + ".new");
  }

  /** Where the explainer is to write. */
  Path target() {
    return fresh;
  }

  /**
   * The latents whose line a person has changed, added or removed; all of a file that no explainer
   * of this run has written.
   */
  Set<Integer> latents() {
    TreeSet<Integer> edited = new TreeSet<>();
    if (!Files.isRegularFile(file)) {
      return edited;
    }
    Map<Integer, Explanation> now = read(file);
    Optional<Map<Integer, Explanation>> own = own();
    if (own.isEmpty()) {
      edited.addAll(now.keySet());
      return edited;
    }
    Map<Integer, Explanation> before = own.get();
    // Left by a killed process that may have merged it already.
    Map<Integer, Explanation> after = Files.isRegularFile(fresh) ? read(fresh) : before;
    TreeSet<Integer> all = new TreeSet<>(now.keySet());
    all.addAll(before.keySet());
    for (int latent : all) {
      Optional<Explanation> line = Optional.ofNullable(now.get(latent));
      if (!line.equals(Optional.ofNullable(before.get(latent)))
          && !line.equals(Optional.ofNullable(after.get(latent)))) {
        edited.add(latent);
      }
    }
    return edited;
  }

  /** {@link #latents} as far as the explainer's own lines are known; else none. */
  Set<Integer> known() {
    return own().isPresent() ? latents() : Set.of();
  }

  private Optional<Map<Integer, Explanation>> own() {
    try {
      return Files.isRegularFile(written) ? Optional.of(read(written)) : Optional.empty();
    } catch (PalimpsestException damaged) {
      return Optional.empty();
    }
  }

  /**
   * Makes the explainer's lines and word classes again where they are damaged or gone and the texts
   * are still, to the byte, what was written.
   *
   * @param explain the stage that wrote them
   */
  static void restore(RunDirectory run, String coder, StageLedger ledger, Stage explain) {
    ledger.restore(explain, run.explanations(coder), run.writtenExplanations(coder));
    ledger.restore(explain, run.glossary(coder), run.writtenGlossary(coder));
  }

  /**
   * Puts what the explainer has written to {@link #target} in place, line by line but for the
   * person's. A file with a person's lines is kept beside the new one, as {@code ….jsonl.1}, {@code
   * .2} and so on.
   *
   * @param replace whether the person's lines are replaced as well, even where they cannot be read
   * @return how the file looks now
   */
  List<Explanation> merge(boolean replace) {
    Map<Integer, Explanation> merged = read(fresh);
    if (replace) {
      if (touched()) {
        AtomicFiles.copy(file, beside());
      }
    } else if (!latents().isEmpty()) {
      Set<Integer> edited = latents();
      Map<Integer, Explanation> now = read(file);
      AtomicFiles.copy(file, beside());
      for (int latent : edited) {
        if (now.containsKey(latent)) {
          merged.put(latent, now.get(latent));
        } else {
          merged.remove(latent);
        }
      }
    }
    List<Explanation> lines = List.copyOf(merged.values());
    ExplanationStore.write(file, lines);
    try {
      Files.move(
          fresh, written, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot write " + written + ": " + AtomicFiles.describe(failure), failure);
    }
    return lines;
  }

  /** Whether there is a file, be it damaged, that is not just what the explainer wrote. */
  private boolean touched() {
    try {
      return !latents().isEmpty();
    } catch (PalimpsestException damaged) {
      return true;
    }
  }

  private Path beside() {
    for (int number = 1; ; number++) {
      Path kept = file.resolveSibling(file.getFileName() + "." + number);
      if (!Files.exists(kept)) {
        return kept;
      }
    }
  }

  private static Map<Integer, Explanation> read(Path file) {
    Map<Integer, Explanation> lines = new TreeMap<>();
    ExplanationStore.read(file).forEach(line -> lines.put(line.latent(), line));
    return lines;
  }
}
