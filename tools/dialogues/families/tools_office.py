"""Tools of the office: mail, calendar, files, the web, the library."""

from __future__ import annotations

from dialogues.draw import Draw
from dialogues.families.tool_kit import Arguments, Tool, optional, tool
from dialogues.families.tools_life import clock, day


def person(draw: Draw) -> str:
    return draw.slot("name") if draw.chance(0.5) else f"{draw.slot('name')} {draw.slot('surname')}"


def email(draw: Draw) -> str:
    return f"{draw.slot('name').lower()}@{draw.slot('company').lower()}.{draw.pick(('org', 'com', 'net'))}"


def topic(draw: Draw) -> str:
    return draw.pick(
        (
            "the meeting",
            "the new plan",
            "lunch on Friday",
            "the report",
            "the invoice",
            "the trip",
            "your question",
            "the party",
            "the budget",
            "the garden",
            "the broken printer",
            "the schedule",
        )
    )


def file_name(draw: Draw) -> str:
    return f"{draw.slot('noun')}{draw.pick(('', '_' + str(draw.integer(1, 99)), '-old', '-new'))}.{draw.pick(('txt', 'csv', 'md', 'json', 'log', 'pdf'))}"


def _book_wish(draw: Draw) -> Arguments:
    kind = draw.integer(0, 2)
    if kind == 0:
        title = f"The {draw.slot('adjective').capitalize()} {draw.slot('noun').capitalize()}"
        return {"title": title, "_what": f'the book "{title}"'}
    if kind == 1:
        author = f"{draw.slot('name')} {draw.slot('surname')}"
        return {"author": author, "_what": f"a book by {author}"}
    genre = draw.slot("genre")
    return {"genre": genre, "_what": f"a {genre} book"}


OFFICE_TOOLS: tuple[Tool, ...] = (
    tool(
        "send_email",
        "Send an email.",
        ["to: string = Email address", "subject: string", "body?: string = Text of the email"],
        "[[Send|Write] [an email|a mail] to {to} about {subject}{body_said}[.|, please.]|Mail {to}, subject: "
        "{subject}{body_said}[.|]|Please email {to} about {subject}{body_said}.]",
        lambda d: {
            "to": email(d),
            "subject": topic(d),
            **optional(
                d,
                "body",
                d.pick(
                    (
                        "See you soon.",
                        "It is ready.",
                        "Please call me.",
                        "I will be late.",
                        "All is well.",
                        "Thank you for your help.",
                    )
                ),
                ' and say "{}"',
            ),
        },
        lambda d, a: {"status": "sent", "id": d.integer(1000, 99999)},
        "[The email to {to} is sent.|Sent: {subject}, to {to}.|Done, I sent it to {to}.]",
        "[Send an email.|I need to write a mail.]",
        "[To which address, and what about?|To whom and about what?]",
        ("address not valid", "mailbox full"),
    ),
    tool(
        "find_contact",
        "[Find|Look up] a person in the address book.",
        ["name: string = Name of the person"],
        "[What is the [phone number|email|address] of {name}?|How can I reach {name}?|[Find|Look up] the "
        "contact of {name}[.|, please.]|Do we have the number of {name}?]",
        lambda d: {"name": person(d)},
        lambda d, a: {"name": a["name"], "phone": f"0{d.integer(10, 99)} {d.integer(10000, 99999)}", "email": email(d)},
        "[{name}: phone {phone}, email {email}.|You reach {name} at {phone} or {email}.|The number of {name} is "
        "{phone}, the email {email}.]",
        "[I need a phone number.|Look up a contact.]",
        "[Of whom?|Whose contact?|Which person?]",
        ("no such contact",),
    ),
    tool(
        "create_event",
        "Put an event into the calendar.",
        ["title: string", "date: string = YYYY-MM-DD", "time?: string = HH:MM"],
        '[[Add|Put] "{title}" [to|into] my calendar on {date}{time_said}[.|, please.]|[Create|Make] an event '
        '"{title}" on {date}{time_said}.|{title} on {date}{time_said}, put it in the calendar[.|, please.]]',
        lambda d: {
            "title": d.pick(
                (
                    "dentist",
                    "team meeting",
                    "lunch with " + d.slot("name"),
                    "choir",
                    "birthday of " + d.slot("name"),
                    d.slot("sport") + " training",
                    "parents' evening",
                    "call with " + d.slot("company"),
                )
            ),
            "date": day(d),
            **optional(d, "time", clock(d, 15), " at {}"),
        },
        lambda d, a: {"status": "created"},
        '["{title}" is in your calendar on {date}.|Added: {title}, {date}.|Done. {title} is on {date}{time_said}.]',
        "[Put something in my calendar.|Create an event.]",
        "[What, and on which date?|What is it, and when?]",
        ("there is another event at this time",),
    ),
    tool(
        "list_events",
        "List the events of a day.",
        ["date: string = YYYY-MM-DD"],
        "[What [do I have|is planned|is on] on {date}?|[Show|List] my [events|appointments] on {date}[.|, "
        "please.]|Am I free on {date}?]",
        lambda d: {"date": day(d)},
        lambda d, a: {
            "events": [
                {"time": clock(d, 15), "title": d.pick(("dentist", "meeting", "lunch", "choir", "call", "training"))}
            ]
        },
        "[On {date} you have: {event_title} at {event_time}.|There is one event: {event_title}, {event_time}.|"
        "{event_title} at {event_time}.]",
        "[Am I free?|Show my calendar.]",
        "[On which day?|For which date?]",
    ),
    tool(
        "search_web",
        "Search the web.",
        ["query: string = Search words", "limit?: integer = Number of results"],
        "[[Search|Look] [the web |online |]for {query}{limit_said}[.|, please.]|[Find|Google] "
        "{query}{limit_said}[.|]|What does the web say about {query}?]",
        lambda d: {
            "query": d.pick(
                (
                    f"{d.slot('hobby')} for beginners",
                    f"cheap {d.slot('product')}",
                    f"hotels in {d.slot('city')}",
                    f"how to repair a {d.slot('thing')}",
                    f"{d.slot('dish')} recipe",
                    f"history of {d.slot('city')}",
                    f"{d.slot('sport')} rules",
                    f"{d.slot('language')} course",
                )
            ),
            **optional(d, "limit", d.integer(2, 9), ", {} results", 0.3),
        },
        lambda d, a: {
            "results": [
                {
                    "title": f"{d.slot('company')}: {a['query']}",
                    "url": f"https://{d.slot('company').lower()}.example/{d.integer(10, 999)}",
                }
            ]
        },
        "[I found: {result_title} ({result_url}).|The first result is {result_title}, {result_url}.|See "
        "{result_url}: {result_title}.]",
        "[Search something for me.|Look it up online.]",
        "[What should I search for?|Which words?]",
        ("no results", "no connection"),
    ),
    tool(
        "read_file",
        "Read a text file.",
        ["path: string = Path of the file"],
        "[What [is in|does it say in] {path}?|[Read|Open|Show me] [the file |]{path}[.|, please.]|Can you read "
        "{path}?]",
        lambda d: {"path": file_name(d)},
        lambda d, a: {
            "content": d.pick(
                (
                    "Buy milk and bread.",
                    "Meeting moved to Monday.",
                    "The code is " + str(d.integer(1000, 9999)) + ".",
                    "Dear " + d.slot("name") + ", thank you.",
                    "Water the plants.",
                    "total: " + str(d.integer(10, 900)),
                )
            )
        },
        '[The file says: {content}|{path}: {content}|It says "{content}"]',
        "[Read a file for me.|Open the file.]",
        "[Which file?|What is the path?]",
        ("file not found", "permission denied"),
    ),
    tool(
        "write_file",
        "Write a text into a file.",
        ["path: string", "content: string"],
        '[[Write|Save] "{content}" [to|into|in] {path}[.|, please.]|[Create|Make] [a file|the file] {path} with '
        'the text "{content}".]',
        lambda d: {
            "path": file_name(d),
            "content": d.pick(
                (
                    "Buy milk.",
                    "Call " + d.slot("name") + ".",
                    "done",
                    "hello world",
                    "total: " + str(d.integer(1, 999)),
                    "Water the plants on " + d.slot("weekday") + ".",
                )
            ),
        },
        lambda d, a: {"status": "written", "bytes": len(a["content"])},
        "[{path} is written.|Saved to {path} ({bytes} bytes).|Done: {bytes} bytes in {path}.]",
        "[Save a file.|Write this down.]",
        "[Which file, and what text?|What should I write, and where?]",
        ("disk full", "permission denied"),
    ),
    tool(
        "list_files",
        "List the files of a folder.",
        ["folder: string", "extension?: string = Only files with this ending"],
        "[[List|Show] [the|all] files in {folder}{extension_said}[.|, please.]|What is in the folder "
        "{folder}{extension_said}?|Which files are in {folder}{extension_said}?]",
        lambda d: {
            "folder": d.pick(("documents", "pictures", "music", "downloads", d.slot("noun"), "backup", "letters")),
            **optional(d, "extension", d.pick(("txt", "pdf", "jpg", "csv")), " that end in .{}", 0.4),
        },
        lambda d, a: {"files": [file_name(d) for _ in range(d.integer(1, 4))]},
        "[In {folder}: {files_said}.|There are: {files_said}.|{files_said}]",
        "[List my files.|Show the folder.]",
        "[Which folder?|In which folder?]",
        ("folder not found",),
    ),
    tool(
        "create_ticket",
        "Open a [support |]ticket.",
        ["title: string", "priority: low|normal|high|urgent"],
        "[[Open|Create] a {priority} ticket: {title}[.|]|[Please |]make a ticket with {priority} priority: "
        "{title}.|{Title}. [Open|Create] a ticket, priority {priority}.]",
        lambda d: {
            "title": d.pick(
                (
                    "printer is broken",
                    "screen stays black",
                    "password lost",
                    "door does not open",
                    "lamp flickers",
                    "app crashes",
                    "no sound",
                    "page loads slowly",
                    "heating is cold",
                    "keyboard key missing",
                )
            ),
            "priority": d.pick(("low", "normal", "high", "urgent")),
        },
        lambda d, a: {"ticket": d.integer(100, 99999)},
        "[Ticket {ticket} is open.|I opened ticket {ticket}: {title}.|Done, the number is {ticket}.]",
        "[Open a ticket.|Something is broken.]",
        "[What is the problem, and how urgent is it?|What should it say, and with what priority?]",
    ),
    tool(
        "get_news",
        "Get the [latest |]news on a topic.",
        ["topic: string", "limit?: integer"],
        "[What is new [in|about] {topic}?|[Show me|Get] [the news|news] about {topic}[.|, please.]|Any news on "
        "{topic}?]",
        lambda d: {
            "topic": d.pick(
                (
                    d.slot("sport"),
                    d.slot("subject"),
                    d.slot("city"),
                    "the economy",
                    "films",
                    "space",
                    "gardens",
                    "books",
                )
            )
        },
        lambda d, a: {
            "headline": d.pick(
                (
                    f"{d.slot('name')} {d.slot('surname')} wins prize",
                    f"New museum opens in {d.slot('city')}",
                    f"{d.slot('company')} builds a factory",
                    f"Record number of {d.slot('animal')}s counted",
                    f"A {d.slot('weather')} {d.slot('season')} ahead",
                )
            )
        },
        "[The latest: {headline}.|{headline}.|News on {topic}: {headline}.]",
        "[What is new?|Read me the news.]",
        "[About what?|On which topic?]",
        ("no news",),
    ),
    tool(
        "find_book",
        "Search the library.",
        ["title?: string", "author?: string", "genre?: string"],
        "[[Find|Search|Do you have] {what}[.|, please.]|[I am looking for|I want] {what}.|Is there {what} in "
        "the library?]",
        _book_wish,
        lambda d, a: {
            "shelf": f"{d.pick('ABCDEFGH')}{d.integer(1, 60)}",
            "available": d.chance(0.7),
            "title": a.get("title", f"{d.slot('adjective')} {d.slot('noun')}".title()),
        },
        '["{title}" is on shelf {shelf}{available_said}.|Shelf {shelf}: "{title}"{available_said}.]',
        errors=("no such book",),
    ),
    tool(
        "count_words",
        "Count the words and letters of a text.",
        ["text: string"],
        '[How many words [has|are in] "{text}"?|Count the words [in|of] "{text}".|How long is "{text}"?]',
        lambda d: {
            "text": " ".join(
                d.several(
                    (
                        "the",
                        "small",
                        "cat",
                        "sees",
                        "a",
                        "big",
                        "blue",
                        "bird",
                        "on",
                        "an",
                        "old",
                        "tree",
                        "and",
                        "sings",
                        "in",
                        "spring",
                    ),
                    d.integer(3, 10),
                )
            )
        },
        lambda d, a: {"words": len(a["text"].split()), "letters": sum(letter.isalpha() for letter in a["text"])},
        "[{words} words, {letters} letters.|It has {words} words and {letters} letters.|There are {words} words.]",
        "[Count my words.|How long is my text?]",
        "[Which text?|What is the text?]",
    ),
)
