package conformance;

import static conformance.Areas.mkdir;
import static conformance.Areas.put;
import static conformance.Areas.until;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;

import com.box.sdkgen.box.eventstream.EventStream;
import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.events.GetEventsQueryParams;
import com.box.sdkgen.managers.events.GetEventsQueryParamsEventTypeField;
import com.box.sdkgen.managers.events.GetEventsQueryParamsStreamTypeField;
import com.box.sdkgen.networking.retries.BoxRetryStrategy;
import com.box.sdkgen.schemas.event.Event;
import com.box.sdkgen.schemas.events.Events;
import com.box.sdkgen.schemas.eventsource.EventSource;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.realtimeserver.RealtimeServer;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Events: now, the user's stream, the administrator's, the SDK's own stream. */
final class Streams {
  private final Box box;
  private final BoxClient client;

  Streams(Box box) {
    this.box = box;
    this.client = box.client;
  }

  void addTo(Suite suite) {
    suite.check("events: of what is done", this::events);
    suite.check("events: admin_logs", this::adminLogs);
    suite.check("events: realtime server", this::realtime);
    suite.check("events: the SDK's EventStream", this::stream);
  }

  private String now() {
    Events now = client.getEvents().getEvents(new GetEventsQueryParams.Builder().streamPosition("now").build());
    equal(List.of(now.getChunkSize(), now.getEntries().size()), List.of(0L, 0), "a chunk of now");
    return now.getRawData().path("next_stream_position").asText();
  }

  private static String what(Event event) {
    String id =
        event.getSource().isFile() ? event.getSource().getFile().getId() : event.getSource().getFolder().getId();
    return event.getEventType().getValue() + " " + id;
  }

  private void events() {
    String begun = now();
    FileFull file = put(client, box.folder.getId(), "evented.txt");
    FolderFull folder = mkdir(client, box.folder.getId(), "evented");
    client.getFiles().deleteFileById(file.getId());
    client.getTrashedFiles().restoreFileFromTrash(file.getId());
    Events got = client.getEvents().getEvents(new GetEventsQueryParams.Builder().streamPosition(begun).build());
    equal(
        got.getEntries().stream().map(Streams::what).toList(),
        List.of(
            "ITEM_UPLOAD " + file.getId(),
            "ITEM_CREATE " + folder.getId(),
            "ITEM_TRASH " + file.getId(),
            "ITEM_UNDELETE_VIA_TRASH " + file.getId()),
        "events");
    equal(got.getChunkSize(), 4L, "chunk_size");
  }

  private void adminLogs() {
    FileFull file = put(client, box.folder.getId(), "logged.txt");
    String position = "0";
    List<Event> all = new ArrayList<>();
    while (true) {
      Events page =
          client
              .getEvents()
              .getEvents(
                  new GetEventsQueryParams.Builder()
                      .streamType(GetEventsQueryParamsStreamTypeField.ADMIN_LOGS)
                      .eventType(List.of(GetEventsQueryParamsEventTypeField.UPLOAD))
                      .createdAfter(OffsetDateTime.now().minusDays(1))
                      .createdBefore(OffsetDateTime.now().plusDays(1))
                      .streamPosition(position)
                      .build());
      if (page.getEntries().isEmpty()) {
        break;
      }
      all.addAll(page.getEntries());
      position = page.getRawData().path("next_stream_position").asText();
    }
    isTrue(all.stream().allMatch(e -> e.getEventType().getValue().equals("UPLOAD")), "one type");
    EventSource source =
        all.stream()
            .filter(e -> e.getSource().isEventSource()) // those of web links are none to the SDK
            .map(e -> e.getSource().getEventSource())
            .filter(s -> s.getItemId().equals(file.getId()))
            .findFirst()
            .orElseThrow();
    equal(
        List.of(source.getItemName(), source.getParent().getId()), List.of("logged.txt", box.folder.getId()), "the source");
  }

  private void realtime() {
    RealtimeServer server = client.getEvents().getEventsWithLongPolling().getEntries().get(0);
    equal(
        List.of(server.getType(), server.getTtl(), server.getMaxRetries(), server.getRetryTimeout()),
        List.of("realtime_server", "10", "10", 610L),
        "the server");
  }

  private void stream() throws Exception {
    BoxClient other = Box.client(Box.TOKEN, new BoxRetryStrategy.Builder().build());
    EventStream stream = other.getEvents().getEventStream();
    List<String> got = Collections.synchronizedList(new ArrayList<>());
    Thread reader =
        new Thread(
            () -> {
              for (Event event : stream) {
                if (event != null) {
                  got.add(what(event));
                }
              }
            });
    reader.setDaemon(true);
    reader.start();
    Thread.sleep(700); // it asks for now, and polls
    List<String> wanted = new ArrayList<>();
    for (String name : List.of("first", "second")) {
      wanted.add("ITEM_CREATE " + mkdir(client, box.folder.getId(), "streamed " + name).getId());
      until("the event of the " + name, () -> got.size() >= wanted.size());
    }
    equal(List.copyOf(got), wanted, "events");
    stream.stop();
  }
}
