package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Whatever a command throws, the user sees one line and the right exit status. */
class FailureLineTest {
  @CommandLine.Command(name = "thrower")
  private record Thrower(Callable<Integer> body) implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      return body.call();
    }
  }

  private final StringWriter err = new StringWriter();

  @Test
  void errorsAreOneLineAndFailure() {
    assertThat(thrown(new OutOfMemoryError("Java heap space"))).isEqualTo(1);
    assertThat(line())
        .startsWith("palimpsest: out of memory (Java heap space): this process may use");
    assertThat(thrown(new StackOverflowError())).isEqualTo(1);
    assertThat(line()).isEqualTo("palimpsest: something is nested too deeply (stack overflow)");
    assertThat(thrown(new UnsatisfiedLinkError("no x in java.library.path"))).isEqualTo(1);
    assertThat(line())
        .isEqualTo("palimpsest: a native library cannot be loaded: no x in java.library.path");
    assertThat(thrown(new ExceptionInInitializerError(new IllegalStateException("why"))))
        .isEqualTo(1);
    assertThat(line())
        .isEqualTo(
            "palimpsest: a part of the program cannot be loaded: IllegalStateException: why");
    assertThat(thrown(new AssertionError("a\nb"))).isEqualTo(1);
    assertThat(line()).startsWith("palimpsest: unexpected AssertionError: a | b (");
  }

  @Test
  void knownFailuresKeepTheirStatus() {
    assertThat(thrown(new PalimpsestException("no"))).isEqualTo(1);
    assertThat(line()).isEqualTo("palimpsest: no");
    assertThat(thrown(new UsageException("no"))).isEqualTo(2);
    assertThat(line()).isEqualTo("palimpsest: no");
  }

  @Test
  void longMessagesAreCutAndControlCharactersShown() {
    assertThat(thrown(new PalimpsestException("x\u001b[31m".repeat(100_000)))).isEqualTo(1);
    assertThat(line()).hasSizeLessThan(2100).doesNotContain("\u001b");
  }

  @Test
  void aNulInAPathIsWrongUsage() {
    assertThat(run(() -> Path.of("a\0b").getNameCount())).isEqualTo(2);
    assertThat(line())
        .startsWith("palimpsest: 'a")
        .contains("is not a path: Nul character not allowed");
  }

  private int thrown(Throwable failure) {
    return run(
        () -> {
          if (failure instanceof Error error) {
            throw error;
          }
          throw (Exception) failure;
        });
  }

  private int run(Callable<Integer> body) {
    err.getBuffer().setLength(0);
    CommandLine line =
        new CommandLine(new Thrower(body))
            .setErr(new PrintWriter(err, true))
            .setExecutionExceptionHandler(Palimpsest.commandLine().getExecutionExceptionHandler());
    return Palimpsest.execute(line);
  }

  private String line() {
    String text = err.toString();
    assertThat(text).endsWith("\n");
    assertThat(text.strip()).doesNotContain("\n");
    return text.strip();
  }
}
