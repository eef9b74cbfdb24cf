package dev.palimpsest.model;

import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Quoted;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a model is: the content of its files, wherever their folder lies.
 *
 * @param files their digests, by name
 */
public record ModelDigest(Map<String, String> files) {
  /** Copies the map. */
  public ModelDigest {
    files = new TreeMap<>(files);
  }

  /**
   * Reads a model's files, or remembers what they were.
   *
   * @param folder as {@link ModelSource#resolve} gives it
   * @param digests of files known before
   */
  public static ModelDigest of(Path folder, FileDigests digests) {
    Map<String, String> files = new TreeMap<>();
    for (Path file : ModelFiles.of(folder)) {
      files.put(String.valueOf(file.getFileName()), digests.of(file));
    }
    return new ModelDigest(files);
  }

  /**
   * The files that differ between this model and another, in words; empty where they are the same.
   */
  public List<String> differences(ModelDigest other) {
    TreeSet<String> names = new TreeSet<>(files.keySet());
    names.addAll(other.files.keySet());
    List<String> parts = new ArrayList<>();
    for (String name : names) {
      if (!Objects.equals(files.get(name), other.files.get(name))) {
        parts.add("the model's " + Quoted.of(name));
      }
    }
    return parts;
  }
}
