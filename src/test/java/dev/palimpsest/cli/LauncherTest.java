package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The launcher {@code palimpsest} and the scripts it builds with, over a tree in which Maven, cmake
 * and Java are a few lines of shell: what is damaged is built again, what is whole is not.
 */
final class LauncherTest {
  /** Does to the tree what the build does to it, and notes that it was called. */
  private static final String MAVEN =
      """
      #!/bin/sh
      set -eu
      cd "$(dirname "$0")"
      echo built >>builds
      .mvn/discard-damaged.sh target
      mkdir -p target/classes/dev/linux
      if [ -n "${FAILS:-}" ]; then printf half >target/classes/dev/A.class; exit 1; fi
      [ -f target/classes/dev/A.class ] || printf 'a whole class' >target/classes/dev/A.class
      printf 'a whole library' >target/classes/dev/linux/lib.so
      [ -f fetched.jar ] || printf 'a whole jar' >fetched.jar
      sha1sum <fetched.jar | head -c 40 >fetched.jar.sha1
      printf '%s' "$PWD/fetched.jar" >target/classpath.txt
      .mvn/record-built.sh target palimpsest.built classes @classpath.txt
      """;

  /** Prints the class path's content in place of running it. */
  private static final String JAVA =
      """
      #!/bin/sh
      cat "$(dirname "$0")/../../target/classes/dev/A.class"
      """;

  @TempDir private Path folder;
  private Path tree;

  @BeforeEach
  void plant() throws IOException {
    tree = folder.resolve("a tree");
    Files.createDirectories(tree.resolve(".mvn"));
    try (Stream<Path> scripts = Files.list(Path.of(".mvn"))) {
      for (Path script : scripts.toList()) {
        copy(script, tree.resolve(".mvn").resolve(script.getFileName()));
      }
    }
    copy(Path.of("palimpsest"), tree.resolve("palimpsest"));
    write("mvnw", MAVEN);
    write("jdk/bin/java", JAVA);
    for (String source : List.of("pom.xml", "src/main/A.java", "native/a.cpp")) {
      write(source, "source");
      Files.setLastModifiedTime(
          tree.resolve(source), FileTime.from(Instant.now().minusSeconds(60)));
    }
  }

  @Test
  void buildsOnce() throws Exception {
    assertRuns();
    assertRuns();
    assertThat(builds()).isOne();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "target/classes/dev/A.class",
        "target/classes/dev/linux/lib.so",
        "target/classpath.txt",
        "target/palimpsest.built",
        "fetched.jar"
      })
  void whatIsDamagedIsBuiltAgain(String file) throws Exception {
    assertRuns();
    Path damaged = tree.resolve(file);
    byte[] whole = Files.readAllBytes(damaged);
    int builds = 1;
    for (byte[] content : List.of(new byte[0], Arrays.copyOf(whole, whole.length / 2))) {
      Files.write(damaged, content);
      assertRuns();
      assertThat(builds()).as("%s of %d bytes", file, content.length).isEqualTo(++builds);
      assertThat(Files.size(damaged)).isEqualTo(whole.length);
    }
    Files.delete(damaged);
    assertRuns();
    assertThat(builds()).as("no %s", file).isEqualTo(builds + 1);
  }

  @Test
  void aFlippedBitIsFound() throws Exception {
    assertRuns();
    Path library = tree.resolve("target/classes/dev/linux/lib.so");
    byte[] content = Files.readAllBytes(library);
    content[3] ^= 1;
    Files.write(library, content);
    assertRuns();
    assertThat(library).hasContent("a whole library");
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void aBuildThatStoppedHalfWayIsMadeAgain() throws Exception {
    Outcome stopped = launch(Map.of("FAILS", "yes"));
    assertThat(stopped.exit()).isNotZero();
    assertThat(stopped.text()).contains("the build failed");
    assertThat(tree.resolve("target/classes/dev/A.class")).hasContent("half");
    assertRuns();
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void aNewerSourceIsBuilt() throws Exception {
    assertRuns();
    Files.setLastModifiedTime(
        tree.resolve("src/main/A.java"), FileTime.from(Instant.now().plusSeconds(2)));
    assertRuns();
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void aCopiedTreeIsWhole() throws Exception {
    assertRuns();
    Files.setLastModifiedTime(
        tree.resolve("target/classes/dev/A.class"), FileTime.from(Instant.now().minusSeconds(9)));
    assertRuns();
    assertThat(builds()).isOne();
  }

  @Test
  void whereNothingMayBeBuiltTheDamageIsSaid() throws Exception {
    assertRuns();
    assertThat(launch(Map.of("PALIMPSEST_REBUILD", "no")).text()).isEqualTo("a whole class");
    Files.writeString(tree.resolve("target/classes/dev/A.class"), "half");
    Outcome refused = launch(Map.of("PALIMPSEST_REBUILD", "no"));
    assertThat(refused.exit()).isOne();
    assertThat(refused.text()).contains("no complete build").contains("PALIMPSEST_REBUILD=no");
    assertThat(builds()).isOne();
  }

  @Test
  void halfAnObjectIsCompiledAgain() throws Exception {
    copy(Path.of("native/build.sh"), tree.resolve("native/build.sh"));
    write(
        "bin/cmake",
        """
        #!/bin/sh
        echo "$@" >>"$(dirname "$0")/calls"
        case "$*" in
          *--build*)
            mkdir -p out/CMakeFiles/palimpsest.dir/src
            echo object >out/CMakeFiles/palimpsest.dir/src/a.o
            echo library >out/libpalimpsest.so ;;
        esac
        """);
    assertThat(compile()).contains("--clean-first");
    assertThat(compile()).doesNotContain("--clean-first");
    Files.writeString(tree.resolve("out/CMakeFiles/palimpsest.dir/src/a.o"), "");
    assertThat(compile()).contains("--clean-first");
    Files.writeString(tree.resolve("out/libpalimpsest.so"), "lib");
    assertThat(compile()).contains("--clean-first");
    Files.delete(tree.resolve("out/complete"));
    assertThat(compile()).contains("--clean-first");
    assertThat(compile()).doesNotContain("--clean-first");
  }

  /** Builds the kernels; what cmake was told. */
  private String compile() throws Exception {
    Path calls = tree.resolve("bin/calls");
    Files.deleteIfExists(calls);
    String path = tree.resolve("bin") + ":" + System.getenv("PATH");
    Outcome outcome = start(Map.of("PATH", path), "native/build.sh", "out");
    assertThat(outcome.exit()).as(outcome.text()).isZero();
    return Files.readString(calls);
  }

  private void assertRuns() throws Exception {
    Outcome outcome = launch(Map.of());
    assertThat(outcome.exit()).as(outcome.text()).isZero();
    assertThat(outcome.text()).endsWith("a whole class");
  }

  private long builds() throws IOException {
    return Files.readAllLines(tree.resolve("builds")).size();
  }

  private Outcome launch(Map<String, String> more) throws Exception {
    return start(more, "./palimpsest");
  }

  private Outcome start(Map<String, String> more, String... command) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(tree.toFile()).redirectErrorStream(true);
    builder.environment().remove("PALIMPSEST_REBUILD");
    if (command[0].equals("./palimpsest")) {
      builder.environment().put("JAVA_HOME", tree.resolve("jdk").toString());
    }
    builder.environment().putAll(more);
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    return new Outcome(process.exitValue(), text);
  }

  private void write(String file, String content) throws IOException {
    Path path = tree.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.copy(from, to, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
  }

  private record Outcome(int exit, String text) {}
}
