package conformance;

import static conformance.Areas.ids;
import static conformance.Areas.mkdir;
import static conformance.Areas.newUser;
import static conformance.Areas.put;
import static conformance.Areas.tick;
import static conformance.Suite.equal;

import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.files.UpdateFileByIdRequestBody;
import com.box.sdkgen.managers.files.UpdateFileByIdRequestBodyCollectionsField;
import com.box.sdkgen.managers.folders.UpdateFolderByIdRequestBody;
import com.box.sdkgen.managers.folders.UpdateFolderByIdRequestBodyCollectionsField;
import com.box.sdkgen.schemas.collection.Collection;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.recentitems.RecentItems;
import java.util.List;

/** Recent items, and favourites. */
final class Collected {
  private final Box box;
  private BoxClient them; // whose recent items and favourites are these only

  Collected(Box box) {
    this.box = box;
  }

  void addTo(Suite suite) {
    suite.check("recent items", this::recents);
    suite.check("favourites", this::favourites);
  }

  private void recents() throws Exception {
    them = box.client.withAsUserHeader(newUser(box, "Java Collector").getId());
    equal(them.getRecentItems().getRecentItems().getEntries().size(), 0, "at first");
    FileFull one = put(them, "0", "one.txt");
    tick();
    FileFull two = put(them, "0", "two.txt");
    RecentItems recent = them.getRecentItems().getRecentItems();
    equal(
        recent.getEntries().stream().map(e -> e.getItem().getId()).toList(),
        List.of(two.getId(), one.getId()),
        "the newest first");
    equal(recent.getEntries().get(0).getInteractionType().getValue(), "item_upload", "interaction_type");
  }

  private void favourites() {
    Collection favourites = them.getCollections().getCollections().getEntries().get(0);
    equal(favourites.getCollectionType().getValue(), "favorites", "collection_type");
    FolderFull folder = mkdir(them, "0", "favourite folder");
    FileFull file = put(them, "0", "favourite.txt");
    them.getFolders()
        .updateFolderById(
            folder.getId(),
            new UpdateFolderByIdRequestBody.Builder()
                .collections(
                    List.of(new UpdateFolderByIdRequestBodyCollectionsField.Builder().id(favourites.getId()).build()))
                .build());
    them.getFiles()
        .updateFileById(
            file.getId(),
            new UpdateFileByIdRequestBody.Builder()
                .collections(
                    List.of(new UpdateFileByIdRequestBodyCollectionsField.Builder().id(favourites.getId()).build()))
                .build());
    equal(
        ids(them.getCollections().getCollectionItems(favourites.getId()).getEntries()).stream().sorted().toList(),
        List.of(folder.getId(), file.getId()).stream().sorted().toList(),
        "marked");
    them.getFolders()
        .updateFolderById(folder.getId(), new UpdateFolderByIdRequestBody.Builder().collections(List.of()).build());
    equal(
        ids(them.getCollections().getCollectionItems(favourites.getId()).getEntries()), List.of(file.getId()), "what is left");
  }
}
