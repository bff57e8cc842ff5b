package conformance;

import static conformance.Areas.mkdir;
import static conformance.Areas.put;
import static conformance.Areas.until;
import static conformance.Suite.content;
import static conformance.Suite.equal;

import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.search.SearchForContentQueryParams;
import com.box.sdkgen.managers.search.SearchForContentQueryParamsTypeField;
import com.box.sdkgen.schemas.searchresultitem.SearchResultItem;
import com.box.sdkgen.schemas.searchresultsresponse.SearchResultsResponse;
import java.util.List;

/** Search by words, type, ancestor, extension and size, and paging. */
final class Search {
  private final Box box;
  private final BoxClient client;
  private final String word;

  Search(Box box) {
    this.box = box;
    this.client = box.client;
    this.word = "wombat" + box.runName.substring(7, 15);
  }

  void addTo(Suite suite) {
    suite.check("search: words and filters", this::search);
  }

  private SearchForContentQueryParams.Builder query() {
    return new SearchForContentQueryParams.Builder().query(word).ancestorFolderIds(List.of(box.folder.getId()));
  }

  private SearchResultsResponse ask(SearchForContentQueryParams.Builder query) {
    return client.getSearch().searchForContent(query.build());
  }

  private List<String> found(SearchForContentQueryParams.Builder query) {
    return ask(query).getSearchResults().getEntries().stream().map(SearchResultItem::getName).sorted().toList();
  }

  private void search() throws Exception {
    String inner = mkdir(client, box.folder.getId(), word + " folder").getId();
    put(client, box.folder.getId(), word + " report.txt", content(60, 100));
    put(client, inner, "picture of a " + word + ".PNG", content(61, 5000));
    until("all three are found", () -> ask(query()).getTotalCount() == 3);
    SearchResultsResponse all = ask(query());
    equal(List.of(all.getType(), all.getOffset(), all.getLimit()), List.of("search_results_items", 0L, 30L), "the frame");
    String txt = word + " report.txt";
    String png = "picture of a " + word + ".PNG";
    equal(found(query().query(word.toUpperCase() + " REPORT")), List.of(txt), "two words");
    equal(found(query().type(SearchForContentQueryParamsTypeField.FOLDER)), List.of(word + " folder"), "folders");
    equal(found(query().fileExtensions(List.of("png"))), List.of(png), "png");
    equal(found(query().ancestorFolderIds(List.of(inner))), List.of(png), "in a folder");
    equal(found(query().type(SearchForContentQueryParamsTypeField.FILE).sizeRange(List.of(50L, 150L))), List.of(txt), "by size");
    SearchResultsResponse page = ask(query().offset(1L).limit(1L));
    equal(List.of(page.getTotalCount(), (long) page.getSearchResults().getEntries().size()), List.of(3L, 1L), "a page");
    equal(ask(query().includeRecentSharedLinks(true)).getType(), "search_results_with_shared_links", "with shared links");
  }
}
