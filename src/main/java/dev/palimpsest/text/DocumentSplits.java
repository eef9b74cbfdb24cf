package dev.palimpsest.text;

import dev.palimpsest.base.Seeds;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which split every document of a text belongs to, and how many documents occur more than once.
 *
 * <p>The rule is {@link Split#of}. A small text may leave a split without any document (of 25
 * documents about one text in three has none to evaluate on); such a split takes one of the split
 * that has most: that with the smallest hash for it. So a text of five different documents or more
 * has all five splits, and in a text whose splits all have documents by themselves nothing is ever
 * moved.
 */
final class DocumentSplits {
  private static final List<Split> SPLITS = List.of(Split.values());

  /** Hashes that are sorted at once when repeated documents are counted; 32 MiB. */
  private static final int HASHES_AT_ONCE = 1 << 22;

  private final long seed;
  private final Map<Long, Split> moved;
  private final long repeated;

  private DocumentSplits(long seed, Map<Long, Split> moved, long repeated) {
    this.seed = seed;
    this.moved = moved;
    this.repeated = repeated;
  }

  /**
   * @param indexes of all files of a text
   */
  static DocumentSplits of(List<DocumentIndex> indexes, long seed) {
    return new DocumentSplits(seed, moved(indexes, seed), repeated(indexes, HASHES_AT_ONCE));
  }

  /** By which documents are dealt. */
  long seed() {
    return seed;
  }

  /** The split of a document of the text with this {@link ContentHash}. */
  Split of(long content) {
    Split given = moved.get(content);
    return given == null ? Split.of(content, seed) : given;
  }

  /** Documents that are equal to an earlier one. */
  long repeated() {
    return repeated;
  }

  /** The documents that empty splits take from others, by content. */
  private static Map<Long, Split> moved(List<DocumentIndex> indexes, long seed) {
    Set<Split> present = EnumSet.noneOf(Split.class);
    for (DocumentIndex index : indexes) {
      for (long d = 0; d < index.documents() && present.size() < SPLITS.size(); d++) {
        present.add(Split.of(index.content(d), seed));
      }
    }
    return present.size() == SPLITS.size() ? Map.of() : filled(indexes, seed);
  }

  /** A text with an empty split is small, or has few different documents: all are looked at. */
  private static Map<Long, Split> filled(List<DocumentIndex> indexes, long seed) {
    List<Set<Long>> members = SPLITS.stream().<Set<Long>>map(split -> new TreeSet<>()).toList();
    for (DocumentIndex index : indexes) {
      for (long d = 0; d < index.documents(); d++) {
        long content = index.content(d);
        members.get(SPLITS.indexOf(Split.of(content, seed))).add(content);
      }
    }
    Map<Long, Split> moved = new HashMap<>();
    for (int s = 0; s < SPLITS.size(); s++) {
      Set<Long> richest = Collections.max(members, Comparator.comparingInt(Set::size));
      if (members.get(s).isEmpty() && richest.size() > 1) {
        long key = Seeds.mix(seed, 0x454D505459L, s);
        Long taken =
            Collections.min(richest, Comparator.comparing(content -> Seeds.mix(key, content)));
        richest.remove(taken);
        members.get(s).add(taken);
        moved.put(taken, SPLITS.get(s));
      }
    }
    return moved;
  }

  /**
   * Counts documents whose content an earlier one has, in bounded memory: hashes are sorted a part
   * of their range at a time.
   *
   * @param atOnce about how many hashes may be held
   */
  static long repeated(List<DocumentIndex> indexes, int atOnce) {
    long documents = indexes.stream().mapToLong(DocumentIndex::documents).sum();
    long parts = Math.max(1, (documents + atOnce - 1) / atOnce);
    long repeated = 0;
    for (long part = 0; part < parts; part++) {
      long[] hashes = new long[(int) Math.min(documents, 1024)];
      int held = 0;
      for (DocumentIndex index : indexes) {
        for (long d = 0; d < index.documents(); d++) {
          long content = index.content(d);
          if (Long.remainderUnsigned(content, parts) == part) {
            if (held == hashes.length) {
              hashes = Arrays.copyOf(hashes, 2 * held);
            }
            hashes[held++] = content;
          }
        }
      }
      Arrays.sort(hashes, 0, held);
      for (int i = 1; i < held; i++) {
        repeated += hashes[i] == hashes[i - 1] ? 1 : 0;
      }
    }
    return repeated;
  }
}
