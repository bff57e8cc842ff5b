package conformance;

import static conformance.Areas.ids;
import static conformance.Areas.mkdir;
import static conformance.Areas.names;
import static conformance.Areas.newUser;
import static conformance.Areas.put;
import static conformance.Areas.read;
import static conformance.Areas.tick;
import static conformance.Box.refused;
import static conformance.Suite.content;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sameBytes;

import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.folders.CopyFolderRequestBody;
import com.box.sdkgen.managers.folders.CopyFolderRequestBodyParentField;
import com.box.sdkgen.managers.folders.DeleteFolderByIdQueryParams;
import com.box.sdkgen.managers.folders.FoldersManager;
import com.box.sdkgen.managers.folders.GetFolderByIdQueryParams;
import com.box.sdkgen.managers.folders.GetFolderItemsQueryParams;
import com.box.sdkgen.managers.folders.GetFolderItemsQueryParamsDirectionField;
import com.box.sdkgen.managers.folders.GetFolderItemsQueryParamsSortField;
import com.box.sdkgen.managers.folders.UpdateFolderByIdHeaders;
import com.box.sdkgen.managers.folders.UpdateFolderByIdRequestBody;
import com.box.sdkgen.managers.folders.UpdateFolderByIdRequestBodyParentField;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.item.Item;
import com.box.sdkgen.schemas.items.Items;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Folders: create, get, update, move, copy, delete, list. */
final class Folders {
  private final Box box;
  private final BoxClient client;
  private final FoldersManager folders;
  private final String here;

  Folders(Box box) {
    this.box = box;
    this.client = box.client;
    this.folders = client.getFolders();
    this.here = box.folder.getId();
  }

  void addTo(Suite suite) {
    suite.check("folders: the root", this::root);
    suite.check("folders: Standard and Full fields", this::fields);
    suite.check("folders: update and If-Match", this::update);
    suite.check("folders: move", this::move);
    suite.check("folders: copy a tree", this::copy);
    suite.check("folders: delete", this::delete);
    suite.check("folders: list by offset, marker and sort", this::list);
    suite.check("folders: another user sees nothing", this::another);
  }

  private FolderFull change(String id, UpdateFolderByIdRequestBody.Builder change) {
    return folders.updateFolderById(id, change.build());
  }

  private static UpdateFolderByIdRequestBody.Builder changes() {
    return new UpdateFolderByIdRequestBody.Builder();
  }

  private static UpdateFolderByIdRequestBodyParentField to(String id) {
    return new UpdateFolderByIdRequestBodyParentField.Builder().id(id).build();
  }

  private void root() {
    FolderFull root = folders.getFolderById("0");
    equal(List.of(root.getId(), root.getName(), root.getType().getValue()), List.of("0", "All Files", "folder"), "root");
    equal(Arrays.asList(root.getEtag(), root.getParent(), root.getCreatedAt()), Arrays.asList(null, null, null), "nulls");
    equal(root.getPathCollection().getTotalCount(), 0L, "path_collection");
  }

  private void fields() {
    FolderFull made = mkdir(client, here, "made");
    equal(
        List.of(made.getEtag(), made.getSequenceId(), made.getSize(), made.getItemStatus().getValue(), made.getParent().getId()),
        List.of("0", "0", 0L, "active", here),
        "Standard fields");
    equal(made.getPathCollection().getEntries().stream().map(f -> f.getId()).toList(), List.of("0", here), "path");
    isTrue(made.getCreatedAt() != null && made.getContentModifiedAt() != null, "times");
    isTrue(made.getPermissions() == null, "a Full field unasked");
    FolderFull full =
        folders.getFolderById(
            made.getId(),
            new GetFolderByIdQueryParams.Builder().fields(List.of("permissions", "tags", "has_collaborations")).build());
    isTrue(full.getPermissions().getCanDelete() && full.getPermissions().getCanUpload(), "permissions");
    equal(List.of(full.getTags(), full.getHasCollaborations()), List.of(List.of(), false), "tags and so on");
    isTrue(full.getName() == null, "no more than was asked for");
  }

  private void update() throws Exception {
    FolderFull made = mkdir(client, here, "before");
    tick();
    FolderFull renamed = change(made.getId(), changes().name("after").description("Updated").tags(List.of("red")));
    equal(
        List.of(renamed.getName(), renamed.getDescription(), renamed.getEtag()), List.of("after", "Updated", "1"), "changed");
    isTrue(renamed.getModifiedAt().isAfter(made.getModifiedAt()), "modified_at");
    UpdateFolderByIdHeaders stale = new UpdateFolderByIdHeaders.Builder().ifMatch("7").build();
    refused(
        412, "precondition_failed", () -> folders.updateFolderById(made.getId(), changes().name("x").build(), stale));
    mkdir(client, here, "occupied");
    refused(409, "item_name_in_use", () -> change(made.getId(), changes().name("Occupied")));
    refused(400, "item_name_invalid", () -> change(made.getId(), changes().name("a/b")));
  }

  private void move() throws Exception {
    FolderFull from = mkdir(client, here, "from");
    FolderFull to = mkdir(client, here, "to");
    FolderFull child = mkdir(client, from.getId(), "child");
    FolderFull moved = change(child.getId(), changes().parent(to(to.getId())).name("moved"));
    equal(List.of(moved.getId(), moved.getParent().getId(), moved.getName()), List.of(child.getId(), to.getId(), "moved"), "moved");
    equal(names(folders.getFolderItems(from.getId()).getEntries()), List.of(), "where it was");
    equal(names(folders.getFolderItems(to.getId()).getEntries()), List.of("moved"), "where it is");
    refused(400, "cyclical_folder_structure", () -> change(to.getId(), changes().parent(to(child.getId()))));
  }

  private void copy() throws Exception {
    FolderFull tree = mkdir(client, here, "tree");
    FolderFull inner = mkdir(client, tree.getId(), "inner");
    byte[] data = content(11, 3000);
    FileFull leaf = put(client, inner.getId(), "leaf.bin", data);
    CopyFolderRequestBodyParentField there = new CopyFolderRequestBodyParentField(here);
    FolderFull copy =
        folders.copyFolder(tree.getId(), new CopyFolderRequestBody.Builder(there).name("tree again").build());
    equal(List.of(copy.getName(), copy.getEtag(), copy.getSize()), List.of("tree again", "0", 3000L), "the copy");
    Item innerCopy = folders.getFolderItems(copy.getId()).getEntries().get(0);
    Item leafCopy = folders.getFolderItems(innerCopy.getId()).getEntries().get(0);
    isTrue(!leafCopy.getId().equals(leaf.getId()), "an id of its own");
    sameBytes(read(client, leafCopy.getId()), data, "content of the copy");
    refused(409, "item_name_in_use", () -> folders.copyFolder(tree.getId(), new CopyFolderRequestBody(there)));
  }

  private void delete() throws Exception {
    FolderFull full = mkdir(client, here, "full");
    mkdir(client, full.getId(), "child");
    refused(400, "folder_not_empty", () -> folders.deleteFolderById(full.getId()));
    folders.deleteFolderById(full.getId(), new DeleteFolderByIdQueryParams.Builder().recursive(true).build());
    refused(404, "trashed", () -> folders.getFolderById(full.getId()));
  }

  private Items page(String id, GetFolderItemsQueryParams.Builder query) {
    return folders.getFolderItems(id, query.build());
  }

  private void list() {
    String listed = mkdir(client, here, "listed").getId();
    mkdir(client, listed, "zeta");
    mkdir(client, listed, "eta");
    put(client, listed, "b.bin", content(1, 300));
    put(client, listed, "C.bin", content(2, 100));
    put(client, listed, "a.bin", content(3, 200));
    List<String> inOrder = List.of("eta", "zeta", "a.bin", "b.bin", "C.bin");
    Items all = folders.getFolderItems(listed);
    equal(names(all.getEntries()), inOrder, "the order");
    equal(List.of(all.getTotalCount(), all.getOffset(), all.getLimit()), List.of(5L, 0L, 100L), "the frame");
    Items second = page(listed, new GetFolderItemsQueryParams.Builder().offset(2L).limit(2L));
    equal(names(second.getEntries()), inOrder.subList(2, 4), "a page");
    List<String> got = new ArrayList<>();
    String marker = null;
    do {
      Items page = page(listed, new GetFolderItemsQueryParams.Builder().usemarker(true).limit(2L).marker(marker));
      got.addAll(names(page.getEntries()));
      marker = page.getNextMarker();
    } while (marker != null);
    equal(got.stream().sorted().toList(), inOrder.stream().sorted().toList(), "by marker");
    Items sized =
        page(
            listed,
            new GetFolderItemsQueryParams.Builder()
                .sort(GetFolderItemsQueryParamsSortField.SIZE)
                .direction(GetFolderItemsQueryParamsDirectionField.DESC));
    equal(names(sized.getEntries()).subList(2, 5), List.of("b.bin", "a.bin", "C.bin"), "by size");
    isTrue(!ids(all.getEntries()).contains(listed), "itself");
  }

  private void another() throws Exception {
    BoxClient them = client.withAsUserHeader(newUser(box, "Java Stranger").getId());
    refused(404, "not_found", () -> them.getFolders().getFolderById(here));
    refused(404, "not_found", () -> mkdir(them, here, "mine"));
    equal(them.getFolders().getFolderItems("0").getTotalCount(), 0L, "their own root");
  }
}
