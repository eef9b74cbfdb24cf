package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.tensor.Devices;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class DoctorCommandTest {
  @Test
  void whatIsAbsentIsNotTicked() {
    StringWriter out = new StringWriter();
    int exit =
        Palimpsest.run(new PrintWriter(out, true), new PrintWriter(new StringWriter()), "doctor");
    assertThat(exit).isZero();
    assertThat(lineOf(out, "kernels")).startsWith("✓");
    assertThat(lineOf(out, "CUDA kernels")).startsWith(Devices.kernels().ok() ? "✓" : "–");
    assertThat(lineOf(out, "libtorch's CUDA")).startsWith(Devices.libtorch().ok() ? "✓" : "–");
  }

  private static String lineOf(StringWriter out, String name) {
    return out.toString()
        .lines()
        .filter(line -> line.length() > 2 && line.substring(2).startsWith(name))
        .findFirst()
        .orElse("no line begins with " + name + ": " + out);
  }
}
