(function () {
  "use strict";
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var body = table.tBodies[0];
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.title = "sort";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") !== "ascending";
        Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell) { cell.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        var rows = Array.prototype.slice.call(body.rows);
        rows.map(function (row, place) {
          var cell = row.cells[column];
          var key = cell.hasAttribute("data-v") ? cell.getAttribute("data-v") : cell.textContent;
          var number = parseFloat(key);
          return { row: row, place: place, text: key, number: number, empty: key === "" };
        }).sort(function (a, b) {
          if (a.empty !== b.empty) return a.empty ? 1 : -1;
          var order = isNaN(a.number) || isNaN(b.number) ? a.text.localeCompare(b.text) : a.number - b.number;
          return (up ? order : -order) || a.place - b.place;
        }).forEach(function (item) { body.appendChild(item.row); });
      });
    });
  });
  document.querySelectorAll(".filter").forEach(function (filter) {
    var section = filter.parentNode;
    var input = filter.querySelector("input");
    var output = filter.querySelector("output");
    var cards = Array.prototype.slice.call(section.querySelectorAll(".latent"));
    var rows = Array.prototype.slice.call(section.querySelectorAll("tr[data-latent]"));
    var texts = {};
    cards.forEach(function (card) { texts[card.id] = card.textContent.toLowerCase(); });
    filter.hidden = false;
    input.addEventListener("input", function () {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      var shown = 0;
      function matches(id) { return words.every(function (word) { return texts[id].indexOf(word) >= 0; }); }
      cards.forEach(function (card) { card.hidden = !matches(card.id); shown += card.hidden ? 0 : 1; });
      rows.forEach(function (row) { row.hidden = !matches(row.getAttribute("data-latent")); });
      output.textContent = words.length ? shown + " of " + cards.length : "";
    });
  });
})();
