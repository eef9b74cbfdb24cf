package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A class's {@code main} in a virtual machine of its own, to be killed. */
public final class ChildProcess {
  private final Process process;
  private final Path log;

  /**
   * Starts it.
   *
   * @param log receives what it prints
   */
  public ChildProcess(Class<?> main, Path log, String... arguments) throws IOException {
    this(main, log, List.of("-Xmx512m"), arguments);
  }

  /**
   * Starts it with options of the virtual machine.
   *
   * @param log receives what it prints
   */
  public ChildProcess(Class<?> main, Path log, List<String> options, String... arguments)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
                "-Dorg.bytedeco.javacpp.nopointergc=true",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
    command.addAll(4, options);
    command.addAll(List.of(arguments));
    this.log = log;
    process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
  }

  /** Kills it with -9 as soon as something holds, or lets it end before that. */
  public void killWhen(BooleanSupplier now) throws InterruptedException {
    while (process.isAlive() && !now.getAsBoolean()) {
      Thread.sleep(1);
    }
    process.destroyForcibly().waitFor();
  }

  /** Waits for its end, which must be a good one. */
  public void finish() throws IOException, InterruptedException {
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(log)).isZero();
  }
}
