package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.base.ThreadCount;
import dev.palimpsest.kernels.CoderKernels;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A number of threads that nobody can mean is refused in one line, before any is started. */
class ThreadCountTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"1025", "100000", "-1"})
  void everyCommandRefusesIt(String count) {
    String out = folder.resolve("out").toString(), none = folder.resolve("none").toString();
    List<List<String>> commands =
        List.of(
            List.of("demo", "--out", out),
            List.of("train", "embedded", "--hookpoint=layers.2.mlp", "--out", out),
            List.of("eval", none, "--model=embedded", "--data=embedded"),
            List.of("encode", none, "--input", none, "--out", out),
            List.of("activations", none, "--input", none, "--hookpoint=layers.0", "--out", out),
            List.of("bench"),
            List.of("bench", "end-to-end"));
    for (List<String> command : commands) {
      StringWriter err = new StringWriter();
      String[] arguments = new String[command.size() + 1];
      command.toArray(arguments);
      arguments[command.size()] = "--threads=" + count;
      int status =
          Palimpsest.run(
              new PrintWriter(new StringWriter()), new PrintWriter(err, true), arguments);
      assertThat(status).as(String.join(" ", arguments)).isEqualTo(2);
      assertThat(err.toString().strip().lines().filter(line -> line.startsWith("palimpsest: ")))
          .as(String.join(" ", arguments))
          .singleElement()
          .asString()
          .contains("threads")
          .contains(count);
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void theMostIsNoMoreThanTheKernelsTake() {
    int before = CoderKernels.cpu().threads();
    try {
      CoderKernels.cpu().setThreads(ThreadCount.most());
      assertThat(CoderKernels.cpu().threads()).isEqualTo(ThreadCount.most());
    } finally {
      CoderKernels.cpu().setThreads(before);
    }
    assertThat(ThreadCount.checked("threads", 256, 1)).isEqualTo(256);
    assertThat(ThreadCount.checked("threads", 0, 0)).isZero();
    assertThat(ThreadCount.ofProcessors()).isBetween(1, ThreadCount.most());
  }
}
