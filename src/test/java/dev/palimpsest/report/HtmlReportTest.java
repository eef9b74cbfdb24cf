package dev.palimpsest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

class HtmlReportTest {
  private static final Pattern IMAGE =
      Pattern.compile(
          "<svg [^>]*viewBox.*?</svg>(?=</div>|</aside>|\\s*</aside>|\n)", Pattern.DOTALL);

  @Test
  void fullDataFillEverySection(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("sub/report.html");
    HtmlReport.write(file, SampleReports.full());
    String html = Files.readString(file, StandardCharsets.UTF_8);
    assertThat(html)
        .contains("<h1>Rewriting layers.2.mlp of the embedded model in words</h1>")
        .contains("loss recovered")
        .contains("zero latents")
        .contains("conditional-mean")
        .contains("id=\"latent-layers.2.mlp-17\"")
        .contains("skip transcoder")
        .contains("promotes")
        .doesNotContain("freemarker")
        .doesNotContain("http://www.w3.org/1999");
    assertThat(images(html)).hasSize(3 + 1 + 2 + 4);
  }

  @Test
  void everyImageIsWellFormedXml() throws Exception {
    for (ReportData data : List.of(SampleReports.full(), SampleReports.hostile())) {
      for (String image : images(HtmlReport.render(data))) {
        Document parsed = parse(image);
        assertThat(parsed.getDocumentElement().getTagName()).isEqualTo("svg");
      }
    }
  }

  @Test
  void theFigureStandsAlone() throws Exception {
    String figure = HtmlReport.figure(SampleReports.full().rewrites().get(0)).orElseThrow();
    Document parsed = parse(figure);
    assertThat(parsed.getElementsByTagName("style").getLength()).isEqualTo(1);
    assertThat(figure)
        .contains("true coder")
        .contains("quantile, random latents")
        .contains("k largest kept again");
    assertThat(
            HtmlReport.figure(
                RewriteTable.from(dev.palimpsest.base.Json.MAPPER.createObjectNode())))
        .isEmpty();
  }

  @Test
  void missingPartsAreNamedNotFatal() {
    String html = HtmlReport.render(SampleReports.minimal());
    assertThat(html)
        .contains("No component has been rewritten yet")
        .contains("No course of training to show")
        .contains("No record of the run");
    ReportData emptyTable =
        new ReportData(
            "t",
            "",
            List.of(new FactGroup("empty", List.of())),
            List.of(RewriteTable.from(dev.palimpsest.base.Json.MAPPER.createObjectNode())),
            List.of(new TrainingCurve("c", List.of(), List.of())),
            List.of(new CoderLatents("c", List.of(), List.of(), List.of(), List.of())));
    assertThat(HtmlReport.render(emptyTable))
        .contains("No latents to show yet")
        .doesNotContain(">NaN");
  }

  @Test
  void hostileTokensStayText() {
    String html = HtmlReport.render(SampleReports.hostile());
    assertThat(count(html, "<script>")).isEqualTo(1);
    assertThat(count(html, "</script>")).isEqualTo(1);
    assertThat(html)
        .doesNotContain("<img")
        .doesNotContain("\" onmouseover")
        .doesNotContain("<!-- ")
        .contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;")
        .contains("${7*7}&lt;#assign x=1&gt;")
        .contains("␀␁␛[31m␡⟨U+0085⟩")
        .contains("⟨U+202E⟩right to left override")
        .contains("⟨U+200B⟩⟨U+FEFF⟩⟨U+2028⟩")
        .contains("a\uFFFDb")
        .contains("&amp;amp;")
        .contains("dir=\"rtl\"")
        .contains("↵↵⇥");
    assertThat(html.chars().filter(c -> c < 0x20 && c != '\n').count()).isZero();
    assertThat(html)
        .isEqualTo(new String(html.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8));
  }

  @Test
  void nothingIsLoadedFromElsewhere() {
    String html = HtmlReport.render(SampleReports.full());
    assertThat(html)
        .contains("default-src 'none'")
        .doesNotContain("<link")
        .doesNotContain("@import")
        .doesNotContain("url(");
    assertThat(Pattern.compile("(src|href)=\"(?!#)").matcher(html).find()).isFalse();
  }

  @Test
  void everyLinkHasItsTargetAndNamesAreUnique() {
    String html = HtmlReport.render(SampleReports.full());
    List<String> names = all(html, "\\bid=\"([^\"]+)\"");
    assertThat(names).doesNotHaveDuplicates();
    assertThat(names).containsAll(all(html, "href=\"#([^\"]+)\""));
  }

  @Test
  void theSameDataGiveTheSameBytes() {
    assertThat(HtmlReport.render(SampleReports.full()))
        .isEqualTo(HtmlReport.render(SampleReports.full()));
  }

  @Test
  void anUnwritableFileIsNamed(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> HtmlReport.write(file.resolve("report.html"), SampleReports.minimal()))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("report.html");
  }

  private static List<String> images(String html) {
    List<String> images = new ArrayList<>();
    Matcher matcher = IMAGE.matcher(html);
    while (matcher.find()) {
      images.add(matcher.group());
    }
    return images;
  }

  private static Document parse(String xml) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(xml)));
  }

  private static List<String> all(String html, String pattern) {
    List<String> found = new ArrayList<>();
    Matcher matcher = Pattern.compile(pattern).matcher(html);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  private static int count(String html, String part) {
    return html.split(Pattern.quote(part), -1).length - 1;
  }
}
