package conformance;

import static conformance.Areas.ids;
import static conformance.Areas.mkdir;
import static conformance.Areas.put;
import static conformance.Areas.read;
import static conformance.Areas.statusOf;
import static conformance.Box.refused;
import static conformance.Suite.content;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sameBytes;

import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.folders.DeleteFolderByIdQueryParams;
import com.box.sdkgen.managers.trashedfiles.RestoreFileFromTrashRequestBody;
import com.box.sdkgen.managers.trashedfiles.RestoreFileFromTrashRequestBodyParentField;
import com.box.sdkgen.managers.trashedfiles.TrashedFilesManager;
import com.box.sdkgen.managers.trashedfolders.RestoreFolderFromTrashRequestBody;
import com.box.sdkgen.managers.trashedfolders.TrashedFoldersManager;
import com.box.sdkgen.managers.trasheditems.GetTrashedItemsQueryParams;
import com.box.sdkgen.managers.trashedweblinks.TrashedWebLinksManager;
import com.box.sdkgen.managers.weblinks.CreateWebLinkRequestBody;
import com.box.sdkgen.managers.weblinks.CreateWebLinkRequestBodyParentField;
import com.box.sdkgen.managers.weblinks.UpdateWebLinkByIdRequestBody;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.trashfile.TrashFile;
import com.box.sdkgen.schemas.trashfilerestored.TrashFileRestored;
import com.box.sdkgen.schemas.trashfolder.TrashFolder;
import com.box.sdkgen.schemas.weblink.WebLink;
import java.util.List;

/** The trash, of files, folders and web links; and web links themselves. */
final class Trash {
  private final BoxClient client;
  private final String here;

  Trash(Box box) {
    this.client = box.client;
    this.here = box.folder.getId();
  }

  void addTo(Suite suite) {
    suite.check("trash: files", this::files);
    suite.check("trash: folders", this::folders);
    suite.check("web links: create, get, update", this::webLinks);
    suite.check("web links: trash and restore", this::trashedWebLinks);
  }

  private boolean listed(String id) {
    return ids(
            client
                .getTrashedItems()
                .getTrashedItems(new GetTrashedItemsQueryParams.Builder().limit(1000L).build())
                .getEntries())
        .contains(id);
  }

  private void files() throws Exception {
    TrashedFilesManager trash = client.getTrashedFiles();
    byte[] data = content(30, 777);
    FileFull file = put(client, here, "gone.bin", data);
    client.getFiles().deleteFileById(file.getId());
    TrashFile gone = trash.getTrashedFileById(file.getId());
    equal(
        List.of(gone.getId(), gone.getName(), gone.getSha1(), gone.getItemStatus().getValue(), gone.getParent().getId()),
        List.of(file.getId(), "gone.bin", file.getSha1(), "trashed", here),
        "in the trash");
    equal(gone.getPathCollection().getEntries().get(0).getName(), "Trash", "path");
    isTrue(gone.getTrashedAt() != null && gone.getPurgedAt() != null && listed(file.getId()), "times, and the listing");
    put(client, here, "Gone.bin");
    refused(409, "item_name_in_use", () -> trash.restoreFileFromTrash(file.getId()));
    String to = mkdir(client, here, "restored to").getId();
    TrashFileRestored back =
        trash.restoreFileFromTrash(
            file.getId(),
            new RestoreFileFromTrashRequestBody.Builder()
                .name("back.bin")
                .parent(new RestoreFileFromTrashRequestBodyParentField.Builder().id(to).build())
                .build());
    equal(
        List.of(back.getId(), back.getName(), back.getParent().getId(), back.getItemStatus().getValue()),
        List.of(file.getId(), "back.bin", to, "active"),
        "restored");
    sameBytes(read(client, file.getId()), data, "content");
    refused(404, "not_trashed", () -> trash.getTrashedFileById(file.getId()));
    client.getFiles().deleteFileById(file.getId());
    trash.deleteTrashedFileById(file.getId());
    refused(404, "not_found", () -> trash.getTrashedFileById(file.getId()));
    refused(404, "not_found", () -> client.getFiles().getFileById(file.getId()));
  }

  private void folders() throws Exception {
    TrashedFoldersManager trash = client.getTrashedFolders();
    FolderFull tree = mkdir(client, here, "trashed tree");
    byte[] data = content(31, 999);
    FileFull leaf = put(client, tree.getId(), "leaf.bin", data);
    DeleteFolderByIdQueryParams whole = new DeleteFolderByIdQueryParams.Builder().recursive(true).build();
    client.getFolders().deleteFolderById(tree.getId(), whole);
    TrashFolder gone = trash.getTrashedFolderById(tree.getId());
    equal(
        List.of(gone.getId(), gone.getName(), gone.getItemStatus().getValue(), gone.getSize()),
        List.of(tree.getId(), "trashed tree", "trashed", 999L),
        "in the trash");
    refused(404, "not_found", () -> client.getTrashedFiles().getTrashedFileById(leaf.getId()));
    equal(
        trash
            .restoreFolderFromTrash(
                tree.getId(), new RestoreFolderFromTrashRequestBody.Builder().name("trashed tree again").build())
            .getName(),
        "trashed tree again",
        "restored");
    sameBytes(read(client, leaf.getId()), data, "content");
    client.getFolders().deleteFolderById(tree.getId(), whole);
    trash.deleteTrashedFolderById(tree.getId());
    refused(404, "not_found", () -> trash.getTrashedFolderById(tree.getId()));
    refused(404, "not_found", () -> client.getFiles().getFileById(leaf.getId()));
  }

  private WebLink link(String name) {
    return client
        .getWebLinks()
        .createWebLink(
            new CreateWebLinkRequestBody.Builder(
                    "https://example.com/a?b=c", new CreateWebLinkRequestBodyParentField(here))
                .name(name)
                .description("a description")
                .build());
  }

  private void webLinks() throws Exception {
    WebLink made = link("a web link");
    equal(
        List.of(made.getUrl(), made.getName(), made.getDescription(), made.getParent().getId(), made.getEtag()),
        List.of("https://example.com/a?b=c", "a web link", "a description", here, "0"),
        "the web link");
    equal(client.getWebLinks().getWebLinkById(made.getId()).getUrl(), made.getUrl(), "as got");
    WebLink changed =
        client
            .getWebLinks()
            .updateWebLinkById(
                made.getId(),
                new UpdateWebLinkByIdRequestBody.Builder().name("another web link").url("https://example.com/other").build());
    equal(
        List.of(changed.getId(), changed.getName(), changed.getUrl(), changed.getEtag()),
        List.of(made.getId(), "another web link", "https://example.com/other", "1"),
        "changed");
    refused(409, "item_name_in_use", () -> link("ANOTHER web link"));
    equal(statusOf(() -> client.getWebLinks().getWebLinkById("990017")), 404, "of nobody");
  }

  private void trashedWebLinks() throws Exception {
    TrashedWebLinksManager trash = client.getTrashedWebLinks();
    WebLink made = link("thrown away");
    client.getWebLinks().deleteWebLinkById(made.getId());
    equal(client.getWebLinks().getWebLinkById(made.getId()).getItemStatus().getValue(), "trashed", "item_status");
    equal(trash.getTrashedWebLinkById(made.getId()).getUrl(), made.getUrl(), "in the trash");
    isTrue(listed(made.getId()), "listed");
    equal(trash.restoreWeblinkFromTrash(made.getId()).getItemStatus().getValue(), "active", "restored");
    client.getWebLinks().deleteWebLinkById(made.getId());
    trash.deleteTrashedWebLinkById(made.getId());
    refused(404, "not_found", () -> client.getWebLinks().getWebLinkById(made.getId()));
  }
}
