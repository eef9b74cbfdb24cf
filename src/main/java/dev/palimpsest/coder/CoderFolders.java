package dev.palimpsest.coder;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds a coder's folder under the names in use: {@code layers.6.mlp} (sparsify), {@code
 * model.layers.6.mlp} (modules named from the model's root), {@code layer_6} (the oldest releases).
 */
final class CoderFolders {
  private static final Pattern LAYER = Pattern.compile("(?:layers|h|layer)[._](\\d+)(?:\\..*)?");
  private static final List<String> PREFIXES = List.of("model.", "gpt_neox.", "transformer.");

  private CoderFolders() {}

  /**
   * The folder with a {@code cfg.json} that {@code wanted} names: itself, its only subfolder that
   * has one, or a sibling under another of the names in use.
   *
   * @throws UsageException when there is none, or several to choose from
   */
  static Path find(Path wanted) {
    if (isCoder(wanted)) {
      return wanted;
    }
    if (Files.isDirectory(wanted)) {
      return onlyChild(wanted);
    }
    Path parent = wanted.toAbsolutePath().getParent();
    Path name = wanted.getFileName();
    if (parent != null && name != null) {
      Optional<Path> sibling =
          otherNames(name.toString()).stream()
              .map(parent::resolve)
              .filter(Files::isDirectory)
              .findFirst();
      if (sibling.isPresent()) {
        return isCoder(sibling.get()) ? sibling.get() : onlyChild(sibling.get());
      }
    }
    throw new UsageException(
        "no coder at "
            + wanted
            + ": expected a folder with "
            + CoderConfigFile.NAME
            + " and "
            + CoderFiles.NAME);
  }

  private static Path onlyChild(Path folder) {
    List<Path> found;
    try (Stream<Path> children = Files.list(folder)) {
      found = children.filter(CoderFolders::isCoder).sorted().toList();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
    if (found.size() == 1) {
      return found.get(0);
    }
    if (found.isEmpty()) {
      throw new UsageException(
          "no coder in "
              + folder
              + ": it has no "
              + CoderConfigFile.NAME
              + ", nor has a folder in it");
    }
    throw new UsageException(
        folder
            + " holds several coders, name one of: "
            + String.join(
                ", ", found.stream().map(path -> String.valueOf(path.getFileName())).toList()));
  }

  private static List<String> otherNames(String name) {
    List<String> names = new ArrayList<>();
    String bare = name;
    for (String prefix : PREFIXES) {
      if (name.startsWith(prefix)) {
        bare = name.substring(prefix.length());
        names.add(bare);
      }
    }
    for (String prefix : PREFIXES) {
      names.add(prefix + bare);
    }
    Matcher layer = LAYER.matcher(bare);
    if (layer.matches()) {
      String number = layer.group(1);
      names.add("layer_" + number);
      if (bare.startsWith("layer_")) {
        for (String form : List.of("layers.%s", "layers.%s.mlp")) {
          String plain = String.format(form, number);
          names.add(plain);
          PREFIXES.forEach(prefix -> names.add(prefix + plain));
        }
      }
    }
    return names;
  }

  private static boolean isCoder(Path folder) {
    return Files.isRegularFile(folder.resolve(CoderConfigFile.NAME));
  }
}
