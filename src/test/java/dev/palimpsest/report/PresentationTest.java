package dev.palimpsest.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.results.Interval;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Numbers, token text, axes, the terminal's view. */
class PresentationTest {
  private final Numbers numbers = new Numbers();

  @Test
  void numbersReadTheSameEverywhere() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.GERMANY);
    try {
      assertThat(numbers.fixed(-1.25, 1)).isEqualTo("−1.3");
      assertThat(numbers.fixed(-0.0001, 2)).isEqualTo("0.00");
      assertThat(numbers.fixed(Double.NaN, 2)).isEqualTo("–");
      assertThat(numbers.signed(0.1254, 3)).isEqualTo("+0.125");
      assertThat(numbers.signed(0.00001, 3)).isEqualTo("0.000");
      assertThat(numbers.signed(OptionalDouble.empty(), 3)).isEqualTo("–");
      assertThat(numbers.signed(Optional.of(new Interval(-1, 2)), 1)).isEqualTo("[−1.0, +2.0]");
      assertThat(numbers.fixed(Optional.empty(), 1)).isEmpty();
      assertThat(numbers.pValue(OptionalDouble.of(0.04))).isEqualTo("0.040");
      assertThat(numbers.pValue(OptionalDouble.of(0.00042))).isEqualTo("4e−4");
      assertThat(numbers.pValue(OptionalDouble.of(3e-12))).isEqualTo("3e−12");
      assertThat(numbers.pValue(OptionalDouble.of(0))).isEqualTo("< 1e−15");
      assertThat(numbers.percent(0.001)).isEqualTo("0.1 %");
      assertThat(numbers.percent(1)).isEqualTo("100 %");
      assertThat(numbers.density(0.0123)).isEqualTo("1.2 %");
      assertThat(numbers.density(0.5)).isEqualTo("50 %");
      assertThat(numbers.density(0.00000123)).isEqualTo("0.00012 %");
      assertThat(numbers.density(0)).isEqualTo("0 %");
      assertThat(numbers.count(1234567)).isEqualTo("1\u202F234\u202F567");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void invisibleTextBecomesVisible() {
    assertThat(TokenText.visible("a\nb\tc\r\u001b")).isEqualTo("a↵b⇥c␍␛");
    assertThat(TokenText.visible("\ud800\udbff\udfffx"))
        .startsWith("\uFFFD")
        .endsWith("x")
        .doesNotContain("\ud800");
    assertThat(TokenText.visible("ok 日本 👍 é")).isEqualTo("ok 日本 👍 é");
    assertThat(TokenText.prose("On '<0xE2>'|'<0x82>'|'<0xAC>' 5,\n'<0xC3><0xA9>' 2."))
        .isEqualTo("On '€' 5,\n'é' 2.");
    assertThat(TokenText.prose("'<0x2E>' '<0xE2>' '<0xE2>'|'<0x82>' $1 \\"))
        .isEqualTo("'<0x2E>' '<0xE2>' '<0xE2>'|'<0x82>' $1 \\");
    assertThat(TokenText.alone("  cat ")).isEqualTo("␣␣cat␣");
    assertThat(TokenText.alone("   ")).isEqualTo("␣␣␣");
    assertThat(TokenText.rightToLeft("שלום a")).isTrue();
    assertThat(TokenText.rightToLeft("123")).isFalse();
  }

  @Test
  void axesCoverTheirRange() {
    Axis linear = Axis.linear("y", -0.03, 0.47);
    assertThat(linear.low()).isLessThanOrEqualTo(-0.03);
    assertThat(linear.high()).isGreaterThanOrEqualTo(0.47);
    assertThat(linear.ticks()).extracting(Axis.Tick::label).contains("−0.1", "0.0", "0.4", "0.5");
    assertThat(linear.place(linear.low())).isZero();
    assertThat(linear.place(linear.high())).isEqualTo(1);
    assertThat(Axis.linear("y", 0, 0).ticks()).isNotEmpty();
    assertThat(Axis.log("y", 0.08, 1.1).ticks())
        .extracting(Axis.Tick::label)
        .containsExactly("0.1", "0.2", "0.5", "1");
    Axis root = new Axis("x", Axis.Scale.CUBE_ROOT, 0, 1, List.of());
    assertThat(root.place(0.001)).isCloseTo(0.1, org.assertj.core.data.Offset.offset(1e-12));
  }

  @Test
  void everyBaselinesNameFitsBesideTheLossFigure() {
    for (String baseline :
        List.of(
            RewriteTable.UNSPLICED,
            RewriteTable.TRANSCODER,
            RewriteTable.ZERO_LATENTS,
            RewriteTable.SHUFFLED,
            RewriteTable.SHUFFLED_UNREFITTED,
            RewriteTable.SHUFFLED_JOINT)) {
      assertThat(LineChart.textWidth(LossFigure.label(baseline) + " +0.000"))
          .as(baseline)
          .isLessThanOrEqualTo(LossFigure.LABELS);
    }
  }

  @Test
  void labelsOfNearLinesDoNotOverlap() {
    List<LineChart.Reference> near =
        List.of(
            new LineChart.Reference("a", 0.97, false),
            new LineChart.Reference("b", 0.971, false),
            new LineChart.Reference("c", 0.972, true),
            new LineChart.Reference("far", 7, false),
            new LineChart.Reference("zero", 0, true));
    Axis axis = Axis.linear("y", 0, 1);
    Svg svg = new Svg(300, 200, "t");
    new LineChart("", axis, axis, List.of(), near).draw(svg, 10, 10, 100, 150, true, true);
    List<Double> heights =
        java.util.regex.Pattern.compile("y=\"([0-9.]+)\" text-anchor=\"start\" class=\"label")
            .matcher(svg.finish())
            .results()
            .map(m -> Double.parseDouble(m.group(1)))
            .sorted()
            .toList();
    assertThat(heights).hasSize(5);
    for (int i = 1; i < heights.size(); i++) {
      assertThat(heights.get(i) - heights.get(i - 1)).isGreaterThan(13);
    }
    assertThat(heights.get(0)).isGreaterThan(9);
  }

  @Test
  void longCurvesAreThinnedAndShortOnesDrawn() {
    String figure = TrainingFigure.draw(SampleReports.full().training());
    assertThat(figure.length()).isLessThan(25_000);
    String one =
        TrainingFigure.draw(
            List.of(new TrainingCurve("c", List.of(new TrainingCurve.Step(1, .5)), List.of())));
    assertThat(one).contains("class=\"marker\"");
  }

  @Test
  void histogramsCountEveryValue() {
    LatentPage.Histogram histogram = LatentPage.Histogram.of(new float[] {0.1f, 1, 2, 4, 4}, 4);
    assertThat(histogram.counts()).containsExactly(1L, 1L, 1L, 2L);
    assertThat(histogram.high()).isEqualTo(4);
    assertThat(LatentPage.Histogram.of(new float[0], 3).counts()).containsExactly(0L, 0L, 0L);
  }

  @Test
  void terminalView() {
    LatentPage page = SampleReports.latents("layers.2.mlp", 1).latents().get(0);
    String plain = new TerminalView(false).render(page);
    assertThat(plain)
        .contains("layers.2.mlp · latent 17")
        .contains("detection 0.913 · active at 1.2 % of tokens")
        .contains("' cat' or ' dog', mostly after ' the'")
        .contains("␣purr +0.610")
        .containsPattern(" «cat»[0-9]")
        .contains("█")
        .contains("↵")
        .doesNotContain("\u001b");
    assertThat(new TerminalView(true).render(page)).contains("\u001b[48;5;").contains("\u001b[0m");
    LatentPage evil = SampleReports.hostile().coders().get(0).latents().get(0);
    assertThat(new TerminalView(false).render(evil))
        .doesNotContain("\u001b")
        .doesNotContain("\u202e");
  }
}
