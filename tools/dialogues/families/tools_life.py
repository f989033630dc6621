"""Tools of daily life: weather, travel, home, food, health, music."""
from __future__ import annotations

from dialogues.draw import Draw
from dialogues.families.tool_kit import Arguments, Tool, optional, tool


def clock(draw: Draw, step: int = 5) -> str:
    return f"{draw.integer(6, 22):02d}:{draw.integer(0, 60 // step - 1) * step:02d}"


def day(draw: Draw) -> str:
    return f"{draw.integer(2024, 2027)}-{draw.integer(1, 12):02d}-{draw.integer(1, 28):02d}"


def _route(draw: Draw) -> Arguments:
    start, end = draw.slot_set("city", 2)
    arguments: Arguments = {"start": start, "destination": end, "_how": ""}
    if draw.chance(0.6):
        arguments["mode"] = draw.pick(("car", "train", "bicycle", "bus"))
        arguments["_how"] = f" by {arguments['mode']}"
    return arguments


def _weather(draw: Draw) -> Arguments:
    arguments: Arguments = {"city": draw.slot("city"), "_when": ""}
    if draw.chance(0.4):
        arguments["days"] = draw.integer(2, 7)
        arguments["_when"] = f" for the next {arguments['days']} days"
    return arguments


def _table(draw: Draw) -> Arguments:
    return {
        "restaurant": f"{draw.pick(('The', 'Cafe', 'Old'))} {draw.slot('adjective').capitalize()} "
        f"{draw.slot('noun').capitalize()}",
        "time": clock(draw, 30),
        "people": draw.integer(2, 9),
    }


def _light(draw: Draw) -> Arguments:
    state = draw.pick(("on", "off"))
    return {"room": draw.slot("room"), "state": state}


def _alarm(draw: Draw) -> Arguments:
    arguments: Arguments = {"time": clock(draw), "_days": ""}
    if draw.chance(0.4):
        days = draw.several(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"), draw.integer(1, 3))
        arguments["days"] = days
        arguments["_days"] = " on " + " and ".join(days)
    return arguments


def _shopping(draw: Draw) -> Arguments:
    items = draw.several(_groceries(), draw.integer(1, 4))
    return {
        "items": items,
        "_items": " and ".join(items) if len(items) < 3 else ", ".join(items[:-1]) + " and " + items[-1],
    }


def _groceries() -> tuple[str, ...]:
    return (
        "apples",
        "bread",
        "milk",
        "rice",
        "butter",
        "eggs",
        "tea",
        "cheese",
        "soap",
        "carrots",
        "salt",
        "honey",
        "pasta",
        "onions",
        "jam",
        "flour",
        "oats",
        "yogurt",
        "lemons",
        "nuts",
        "paper towels",
        "candles",
    )


def _train(draw: Draw) -> Arguments:
    start, end = draw.slot_set("city", 2)
    return {"from": start, "to": end, **optional(draw, "after", clock(draw), " after {}")}


def _recipe(draw: Draw) -> Arguments:
    ingredients = draw.several(_groceries()[:19], draw.integer(1, 3))
    return {
        "ingredients": ingredients,
        "_items": " and ".join(ingredients),
        **optional(draw, "max_minutes", draw.integer(2, 12) * 5, " in at most {} minutes", 0.4),
    }


_TIMED = ("tea", "eggs", "pasta", "cake", "break", "laundry", "meeting", "bread", "exercise", "rice")
_MUSIC = (
    "jazz",
    "piano music",
    "old songs",
    "rock",
    "lullabies",
    "folk music",
    "a waltz",
    "opera",
    "dance music",
    "guitar music",
    "calm music",
)

LIFE_TOOLS: tuple[Tool, ...] = (
    tool(
        "get_weather",
        "[Get|Look up] the [current |]weather [in|for] a city.",
        ["city: string = Name of the city", "days?: integer = How many days ahead"],
        "[[What is|How is|What's|Tell me] the weather in {city}{when}[?|]|[Will it rain|Do I need an umbrella] "
        "in {city}{when}?|"
        "Weather in {city}{when}[, please.|]|Can you check the weather in {city}{when}?]",
        _weather,
        lambda d, a: {
            "city": a["city"],
            "condition": d.slot("weather"),
            "temperature": d.integer(-8, 34),
            "humidity": d.integer(30, 95),
        },
        "[In {city} it is {condition} [with|at] {temperature} degrees.|It is {condition} in {city}, "
        "{temperature} degrees.|"
        "{city}: {condition}, {temperature} degrees, humidity {humidity} percent.]",
        "[What is the weather like?|How is the weather?|Will it rain today?|Check the weather, please.]",
        "[For which city?|Which city?|In which city?|Where? Please tell me the city.]",
        ("city not found", "service not available"),
    ),
    tool(
        "plan_route",
        "[Plan|Find] a route between two places.",
        [
            "start: string = Starting point",
            "destination: string = Where to go",
            "mode?: car|train|bicycle|bus = How to travel",
        ],
        "[How do I get from {start} to {destination}{how}?|[Find|Plan|Show me] [a|the] route from {start} to "
        "{destination}{how}.|"
        "I want to go from {start} to {destination}{how}.|How long does it take from {start} to {destination}{how}?]",
        _route,
        lambda d, a: {"distance_km": d.integer(20, 1400), "duration_minutes": d.integer(25, 900)},
        "[From {start} to {destination} it is {distance_km} km and takes {duration_minutes} minutes.|The route "
        "is {distance_km} km "
        "long; it takes {duration_minutes} minutes.|{distance_km} km, about {duration_minutes} minutes.]",
        "[I need a route.|Please plan a trip for me.|Find a route.]",
        "[From where to where?|Where do you start, and where do you want to go?]",
        ("no route found",),
    ),
    tool(
        "find_train",
        "[Find|Look up] the next train.",
        ["from: string = Departure station", "to: string = Arrival station", "after?: string = Earliest time, HH:MM"],
        "[When does the [next |]train from {from} to {to} leave{after_said}?|[Find|Look up] a train from {from} "
        "to {to}{after_said}.|Next train "
        "{from} to {to}{after_said}?|I need a train from {from} to {to}{after_said}.]",
        _train,
        lambda d, a: {
            "train": f"{d.pick(('IC', 'RE', 'EC', 'R'))} {d.integer(10, 999)}",
            "departure": clock(d),
            "platform": d.integer(1, 14),
        },
        "[The {train} leaves at {departure} from platform {platform}.|Take the {train} at {departure}, platform "
        "{platform}.|At "
        "{departure}: {train} from platform {platform}.]",
        "[When does the next train leave?|I need a train.]",
        "[From where to where?|Which stations?]",
        ("no connection found",),
    ),
    tool(
        "book_table",
        "[Book|Reserve] a table in a restaurant.",
        ["restaurant: string", "time: string = HH:MM", "people: integer = Number of guests"],
        "[[Book|Reserve] a table for {people} at {restaurant} at {time}[.|, please.]|[We are|A table for] "
        "{people}[|,] at {time} in "
        "{restaurant}[.|, please.]|Can you [book|get] a table at {restaurant} for {people} people at {time}?]",
        _table,
        lambda d, a: {"status": "confirmed", "reservation": f"R{d.integer(1000, 9999)}"},
        "[Your table for {people} at {restaurant} is booked for {time}. The number is {reservation}.|Done: "
        "{restaurant}, {time}, "
        "{people} people, reservation {reservation}.|Booked. Reservation {reservation}.]",
        "[Book a table, please.|I want to eat out tonight.|Can you reserve a table?]",
        "[In which restaurant, at what time and for how many people?|Where, when and for how many?]",
        ("fully booked", "restaurant closed"),
    ),
    tool(
        "set_light",
        "[Switch|Turn] the light of a room on or off.",
        ["room: string = The room", "state: on|off = Wanted state"],
        "[[Turn|Switch] {state} the light in the {room}[.|, please.]|[Turn|Switch] the [light|lights] in the "
        "{room} {state}[.|, please.]|"
        "{Room} light {state}[.|, please.]|Can you [turn|switch] the {room} light {state}?]",
        _light,
        lambda d, a: {"status": "ok"},
        "[The light in the {room} is now {state}.|Done, the {room} light is {state}.|The {room} light is {state}.]",
        "[Turn on the light.|Switch the light off, please.]",
        "[In which room?|Which room?]",
        ("lamp does not answer",),
    ),
    tool(
        "set_temperature",
        "Set the [heating|thermostat] of a room.",
        ["room: string", "degrees: number = In degrees Celsius"],
        "[[Set|Change] the [heating|thermostat|temperature] in the {room} to {degrees} degrees[.|, please.]|"
        "Make it {degrees} degrees in the "
        "{room}[.|, please.]|I want {degrees} degrees in the {room}.]",
        lambda d: {"room": d.slot("room"), "degrees": d.integer(32, 48) / 2 if d.chance(0.4) else d.integer(15, 25)},
        lambda d, a: {"status": "ok", "current": d.integer(12, 22)},
        "[The {room} is set to {degrees} degrees; now it has {current}.|Done. The {room} will have {degrees} "
        "degrees, it is {current} now.]",
        "[It is too cold.|Please turn up the heating.]",
        "[In which room, and how many degrees?|Which room and what temperature?]",
        ("sensor offline",),
    ),
    tool(
        "set_alarm",
        "Set an alarm.",
        ["time: string = HH:MM", "days?: string[] = Weekdays on which it repeats"],
        "[[Wake me|Set an alarm] [at|for] {time}{days}[.|, please.]|[Please |]set my alarm for {time}{days}.|"
        "Alarm at {time}{days}[.|, please.]]",
        _alarm,
        lambda d, a: {"status": "set"},
        "[The alarm is set for {time}{days}.|I set an alarm for {time}{days}.|Alarm at {time}{days}: set.]",
        "[Wake me tomorrow.|Set an alarm, please.]",
        "[At what time?|For what time?|When?]",
        ("too many alarms",),
    ),
    tool(
        "start_timer",
        "Start a [countdown|timer].",
        ["minutes: integer", "label?: string = What it is for"],
        "[[Start|Set] a timer [for|of] {minutes} minutes{label_said}[.|, please.]|{minutes} minutes "
        "timer{label_said}[.|, please.]|Remind me in {minutes} minutes{label_said}.|"
        "[Please |]count down {minutes} minutes{label_said}.]",
        lambda d: {"minutes": d.integer(2, 90), **optional(d, "label", d.pick(_TIMED), " for the {}")},
        lambda d, a: {"status": "running", "ends_at": clock(d)},
        "[The timer runs; it ends at {ends_at}.|Started. {minutes} minutes, until {ends_at}.|Your "
        "timer{label_said} ends at {ends_at}.]",
        "[Start a timer.|I need a timer.]",
        "[For how many minutes?|How long?]",
    ),
    tool(
        "add_to_shopping_list",
        "Put things on the shopping list.",
        ["items: string[] = What to buy"],
        "[[Add|Put] {items} [to|on] [my|the] shopping list[.|, please.]|[We|I] need {items}[.|, please put it "
        "on the list.]|Shopping list: {items}[.|, please.]|"
        "Can you put {items} on the list?]",
        _shopping,
        lambda d, a: {"status": "added", "count": len(a["items"]) + d.integer(0, 9)},
        "[Added: {items}. There are {count} things on the list.|{Items} on the list, {count} in all.|Done, the "
        "list has {count} entries now.]",
        "[Put something on my shopping list.|I need to buy something.]",
        "[What should I add?|What do you need?]",
    ),
    tool(
        "find_recipe",
        "[Find|Search] recipes with [some ingredients|what is at hand].",
        ["ingredients: string[]", "max_minutes?: integer = Longest cooking time"],
        "[What can I cook with {items}{max_minutes_said}?|[Find|Search] a recipe with "
        "{items}{max_minutes_said}.|I have {items}. What can I make{max_minutes_said}?|A recipe with "
        "{items}{max_minutes_said}, please.]",
        _recipe,
        lambda d, a: {"recipe": d.slot("dish"), "minutes": d.integer(10, 60)},
        "[You can make {recipe}; it takes {minutes} minutes.|How about {recipe}? {minutes} minutes.|{Recipe}, "
        "ready in {minutes} minutes.]",
        "[What can I cook?|Find me a recipe.]",
        "[With which ingredients?|What do you have at home?]",
        ("no recipe found",),
    ),
    tool(
        "play_music",
        "Play music by [title|name], artist or style.",
        ["query: string = What to play", "volume?: integer = 0 to 100"],
        "[Play [some |]{query}{volume_said}[.|, please.]|[I want to|Let me] hear {query}{volume_said}.|[Can|"
        "Could] you play {query}{volume_said}?|Put on {query}{volume_said}[.|, please.]]",
        lambda d: {
            "query": d.pick(_MUSIC) if d.chance(0.6) else f"{d.slot('adjective')} {d.slot('noun')}",
            **optional(d, "volume", d.integer(1, 20) * 5, " at volume {}", 0.35),
        },
        lambda d, a: {
            "playing": f"{d.slot('adjective')} {d.slot('noun')}".title(),
            "artist": f"{d.slot('name')} {d.slot('surname')}",
        },
        "[Now playing: {playing} by {artist}.|Here is {playing} by {artist}.|Playing {playing} by {artist}.]",
        "[Play something.|Some music, please.]",
        "[What would you like to hear?|What should I play?]",
        ("nothing found",),
    ),
    tool(
        "translate",
        "Translate a [text|word] into another language.",
        ["text: string", "language: string = The target language"],
        '[[Translate|Put] "{text}" into {language}[.|, please.]|[What is|How do you say] "{text}" in '
        '{language}?|"{text}" in {language}[, please.|?]]',
        lambda d: {
            "text": d.pick(
                (
                    "good morning",
                    "thank you",
                    "where is the station?",
                    "I am hungry",
                    "see you tomorrow",
                    "how much is it?",
                    "the weather is fine",
                    "my name is " + d.slot("name"),
                    "I like " + d.slot("food"),
                    "the " + d.slot("colour") + " " + d.slot("thing"),
                )
            ),
            "language": d.slot("language"),
        },
        lambda d, a: {"translation": d.invented().lower() + " " + d.invented().lower()},
        '[In {language}: {translation}.|"{translation}"|It is "{translation}" in {language}.]',
        "[Translate something for me.|I need a translation.]",
        "[Which text, and into which language?|What should I translate, and into what language?]",
        ("language not supported",),
    ),
    tool(
        "find_doctor",
        "[Find|Search] a doctor nearby.",
        ["city: string", "field?: dentist|heart doctor|family doctor|skin doctor = Kind of doctor"],
        "[I need {field_said} in {city}.|[Find|Search] {field_said} in {city}[.|, please.]|Is there "
        "{field_said} in {city}?]",
        lambda d: {
            "city": d.slot("city"),
            **optional(
                d,
                "field",
                d.pick(("dentist", "heart doctor", "family doctor", "skin doctor")),
                "a {}",
                0.7,
                without="a doctor",
            ),
        },
        lambda d, a: {"name": f"Dr {d.slot('surname')}", "phone": f"{d.integer(100, 999)}-{d.integer(1000, 9999)}"},
        "[{name}, phone {phone}.|There is {name} in {city}: {phone}.|You can call {name} at {phone}.]",
        "[I need a doctor.|I have a toothache.]",
        "[In which city?|Where are you?]",
        ("no doctor found",),
    ),
)
