package dev.palimpsest.run;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Folders that results may be written to. What commands read (a model, a coder, cached activations)
 * and what a run keeps for itself stays as it is: nothing is put over it, beside it or below it.
 * Such folders are known by what lies in them, whether or not the command at hand reads them.
 */
public final class OutputFolder {
  private static final String WEIGHTS = ".safetensors";

  /** What a run writes below its folder. */
  private static final Set<String> PARTS_OF_A_RUN =
      Set.of(
          "coder",
          "checkpoints",
          "latents",
          "explanations",
          "scores",
          "simulations",
          "rewrites",
          "stages",
          "tokens");

  private OutputFolder() {}

  /**
   * Makes sure that a folder, which may be missing, may be filled with results.
   *
   * @throws UsageException where it is, or lies below, a folder that holds something else
   */
  public static void requireFree(Path folder) {
    Path real = real(folder);
    refuse(folder, real, real);
  }

  /**
   * The same for a folder that may hold an earlier result of the same kind.
   *
   * @param mark the file by which such a result is known
   */
  public static void requireFree(Path folder, String mark) {
    Path real = real(folder);
    boolean own = Files.isRegularFile(real.resolve(mark));
    refuse(folder, real, own ? real.getParent() : real);
  }

  /** The same for the folder of a file. */
  public static void requireFreeFor(Path file) {
    Path real = real(file);
    refuse(file, real, real.getParent());
  }

  private static void refuse(Path asked, Path target, @Nullable Path lowest) {
    for (Path above = lowest; above != null; above = above.getParent()) {
      Path holder = above;
      holds(above, target)
          .ifPresent(
              what -> {
                throw new UsageException(
                    asked
                        + (holder.equals(target) ? " is " : " would lie in " + holder + ", ")
                        + what
                        + ": results need a place of their own");
              });
    }
  }

  private static Optional<String> holds(Path folder, Path target) {
    if (Files.isRegularFile(folder.resolve("cfg.json"))) {
      return Optional.of("the folder of a sparse coder (cfg.json)");
    }
    if (Files.isRegularFile(folder.resolve("activations.json"))) {
      return Optional.of("the folder of cached activations (activations.json)");
    }
    if (Files.isRegularFile(folder.resolve("config.json")) && hasWeights(folder)) {
      return Optional.of("the folder of a model or a latent cache (config.json)");
    }
    if (folder.getNameCount() < target.getNameCount()
        && PARTS_OF_A_RUN.contains(target.getName(folder.getNameCount()).toString())
        && Files.isRegularFile(new RunDirectory(folder).config())
        && Files.isDirectory(new RunDirectory(folder).stages())) {
      return Optional.of("a run directory, which keeps that name for itself");
    }
    return Optional.empty();
  }

  private static boolean hasWeights(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .anyMatch(
              name ->
                  name.endsWith(WEIGHTS)
                      || name.endsWith(WEIGHTS + ".index.json")
                      || name.equals("pytorch_model.bin"));
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot look into " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /** The place behind all links, as far as it is there. */
  private static Path real(Path path) {
    Path absolute = path.toAbsolutePath();
    Path there = absolute;
    while (there != null && !Files.exists(there)) {
      there = there.getParent();
    }
    if (there == null) {
      return absolute.normalize();
    }
    try {
      return there.toRealPath().resolve(there.relativize(absolute)).normalize();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot follow " + path + ": " + AtomicFiles.describe(failure), failure);
    }
  }
}
