"""Record types: what they are called, what fields they have, how a sentence says them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dialogues.draw import Draw
from dialogues.families.record_values import (
    Value,
    clock,
    code,
    date,
    decimal,
    email,
    full_name,
    one,
    phone,
    several,
    slot,
    title,
    truth,
    whole,
)
from dialogues.grammar import Phrase


@dataclass(frozen=True)
class Record:
    name: str
    fields: dict[str, Value]
    text: Phrase
    optional: dict[str, Phrase]  # fields that a text may leave out, and the sentence for each

    def draw(self, draw: Draw) -> dict[str, Any]:
        return {key: value(draw) for key, value in self.fields.items()}


def _record(name: str, fields: dict[str, Value], text: str, **optional: str) -> Record:
    return Record(name, fields, Phrase(text), {key: Phrase(sentence) for key, sentence in optional.items()})


RECORDS: tuple[Record, ...] = (
    _record(
        "person",
        {"name": slot("name"), "age": whole(5, 90), "city": slot("city"), "job": slot("job")},
        "[{name} is {age} years old and lives in {city}.|{name}, {age}, [lives in|comes from] {city}.|In {city} "
        "lives {name}, who is {age} years old.]",
        job="[{name} works as {a job}.|The job of {name} is {job}.|By profession: {job}.]",
    ),
    _record(
        "book",
        {"title": title, "author": full_name, "year": whole(1900, 2024), "genre": slot("genre")},
        '["{title}" was written by {author}[ in {year}|; it came out in {year}].|{author} published "{title}" '
        'in {year}.|The book "{title}" ({year}) is by {author}.]',
        genre="[It is a {genre} book.|Genre: {genre}.]",
    ),
    _record(
        "pet",
        {"name": slot("name"), "animal": slot("animal"), "age": whole(1, 18), "colour": slot("colour")},
        "[{name} is a {age} year old {animal}.|Our {animal} [is called|has the name] {name} and is {age}.|We "
        "have {a animal} named {name}, {age} years old.]",
        colour="[{name} is {colour}.|Its colour is {colour}.]",
    ),
    _record(
        "product",
        {"name": slot("product"), "price": decimal(2, 200, 2), "in_stock": truth(), "colour": slot("colour")},
        "[The {name} costs {price} euros and is {in_stock_said}.|{Name}: {price} euros, {in_stock_said}.|For "
        "{price} euros you get the {name}; it is {in_stock_said}.]",
        colour="[It comes in {colour}.|Colour: {colour}.]",
    ),
    _record(
        "recipe",
        {"dish": slot("dish"), "minutes": whole(5, 120), "servings": whole(1, 8), "ingredients": several("food", 2, 4)},
        "[For {dish} you need {ingredients_said}. It takes {minutes} minutes|{Dish} takes {minutes} minutes; "
        "you need {ingredients_said}|Take {ingredients_said} and make {dish} in {minutes} minutes].",
        servings="[It serves {servings}.|Enough for {servings} people.]",
    ),
    _record(
        "event",
        {
            "title": one(
                "concert",
                "market",
                "meeting",
                "party",
                "lecture",
                "film night",
                "choir practice",
                "school feast",
                "flea market",
                "reading",
            ),
            "date": date,
            "time": clock,
            "city": slot("city"),
        },
        "[The {title} [is|takes place] on {date} at {time}.|On {date} at {time} there is a {title}.|{Title}: "
        "{date}, {time}.]",
        city="[It is in {city}.|Place: {city}.|The city is {city}.]",
    ),
    _record(
        "flight",
        {"number": code, "from": slot("city"), "to": slot("city"), "departure": clock},
        "[Flight {number} goes from {from} to {to}.|{number} flies from {from} to {to}.|From {from} to {to} you "
        "take flight {number}.]",
        departure="[It leaves at {departure}.|Departure is at {departure}.]",
    ),
    _record(
        "train",
        {"number": code, "destination": slot("city"), "platform": whole(1, 20), "delay_minutes": whole(0, 60)},
        "[Train {number} to {destination} leaves from platform {platform}.|On platform {platform}: {number} to "
        "{destination}.|The {number} for {destination} stands on platform {platform}.]",
        delay_minutes="[It is {delay_minutes} minutes late.|Delay: {delay_minutes} minutes.]",
    ),
    _record(
        "weather",
        {"city": slot("city"), "condition": slot("weather"), "temperature": whole(-15, 38), "wind": whole(0, 90)},
        "[In {city} it is {condition} at {temperature} degrees.|{City}: {condition}, {temperature} degrees.|It "
        "is {condition} in {city}, and the thermometer shows {temperature}.]",
        wind="[The wind blows at {wind} km/h.|Wind: {wind} km/h.]",
    ),
    _record(
        "order",
        {"id": whole(1000, 99999), "customer": full_name, "items": several("thing", 1, 4), "paid": truth()},
        "[Order {id} of {customer}: {items_said}.|{customer} ordered {items_said} (order {id}).|Order number "
        "{id} is for {customer} and contains {items_said}.]",
        paid="[It is {paid_said}.|Payment: {paid_said}.]",
    ),
    _record(
        "student",
        {"name": slot("name"), "grade": whole(1, 12), "subject": slot("subject"), "score": whole(1, 100)},
        "[{name} is in grade {grade} and likes {subject}.|{name}, grade {grade}, has {subject} as favourite "
        "subject.|The favourite subject of {name} (grade {grade}) is {subject}.]",
        score="[The last test had {score} points.|Score: {score}.]",
    ),
    _record(
        "car",
        {
            "brand": slot("company"),
            "year": whole(1990, 2025),
            "colour": slot("colour"),
            "kilometres": whole(100, 300000),
        },
        "[For sale: a {colour} {brand} from {year}.|The {brand} is {colour} and was built in {year}.|A {brand}, "
        "built {year}, in {colour}.]",
        kilometres="[It has run {kilometres} km.|Kilometres: {kilometres}.]",
    ),
    _record(
        "house",
        {
            "address": lambda d: f"{d.slot('noun').capitalize()} Street {d.integer(1, 200)}",
            "rooms": whole(1, 9),
            "garden": truth(),
            "rent": whole(300, 3000),
        },
        "[The house at {address} has {rooms} rooms and {garden_said}.|{address}: {rooms} rooms, {garden_said}.|"
        "At {address} there is a house with {rooms} rooms and {garden_said}.]",
        rent="[The rent is {rent} euros.|Rent: {rent}.]",
    ),
    _record(
        "contact",
        {"name": full_name, "email": email, "phone": phone, "company": slot("company")},
        "[You reach {name} at {email}.|{name} has the email {email}.|Write to {name}: {email}.]",
        phone="[The phone number is {phone}.|Phone: {phone}.]",
        company="[{name} works at {company}.|Company: {company}.]",
    ),
    _record(
        "song",
        {"title": title, "singer": full_name, "seconds": whole(90, 480), "instrument": slot("instrument")},
        '["{title}" is sung by {singer}.|{singer} sings "{title}".|The song "{title}" is by {singer}.]',
        seconds="[It is {seconds} seconds long.|Length: {seconds} seconds.]",
        instrument="[One hears the {instrument}.|Main instrument: {instrument}.]",
    ),
    _record(
        "match",
        {"home": slot("city"), "guest": slot("city"), "home_goals": whole(0, 6), "guest_goals": whole(0, 6)},
        "[{home} played {home_goals} to {guest_goals} against {guest}.|{home} against {guest} ended "
        "{home_goals}:{guest_goals}.|The match {home} - {guest}: {home_goals}:{guest_goals}.]",
    ),
    _record(
        "plant",
        {"name": slot("flower"), "height_cm": whole(5, 200), "water_days": whole(1, 14), "sunny": truth()},
        "[The {name} grows {height_cm} cm high and needs water every {water_days} days.|{Name}: {height_cm} cm, "
        "water every {water_days} days.|Give the {name} water every {water_days} days; it is {height_cm} cm "
        "tall.]",
        sunny="[It wants {sunny_said}.|Place: {sunny_said}.]",
    ),
    _record(
        "room",
        {"name": slot("room"), "area": decimal(4, 60), "windows": whole(0, 6), "wall_colour": slot("colour")},
        "[The {name} has {area} square metres and {windows} windows.|{Name}: {area} square metres, {windows} "
        "windows.|With {area} square metres and {windows} windows: the {name}.]",
        wall_colour="[The walls are {wall_colour}.|Walls: {wall_colour}.]",
    ),
    _record(
        "movie",
        {"title": title, "director": full_name, "minutes": whole(70, 200), "rating": decimal(1, 10)},
        '["{title}" by {director} runs {minutes} minutes.|{director} made the film "{title}" ({minutes} '
        'minutes).|The film "{title}" was directed by {director} and lasts {minutes} minutes.]',
        rating="[It was rated {rating}.|Rating: {rating}.]",
    ),
    _record(
        "invoice",
        {"number": code, "company": slot("company"), "amount": decimal(5, 3000, 2), "due": date},
        "[Invoice {number} from {company} is for {amount} euros.|{company} sent invoice {number} for {amount} "
        "euros.|We owe {company} {amount} euros (invoice {number}).]",
        due="[It is due on {due}.|Due: {due}.]",
    ),
    _record(
        "employee",
        {
            "name": full_name,
            "id": whole(10, 9999),
            "team": one("sales", "support", "design", "finance", "kitchen", "research", "logistics"),
            "remote": truth(),
        },
        "[{name} (number {id}) is in the {team} team.|Employee {id} is {name} from {team}.|In {team} works "
        "{name}, number {id}.]",
        remote="[{name} works {remote_said}.|Place of work: {remote_said}.]",
    ),
    _record(
        "parcel",
        {"id": code, "weight": decimal(1, 30), "receiver": full_name, "city": slot("city")},
        "[Parcel {id} weighs {weight} kg and goes to {receiver}.|{receiver} gets parcel {id} ({weight} kg).|For "
        "{receiver}: parcel {id}, {weight} kg.]",
        city="[It goes to {city}.|City: {city}.]",
    ),
    _record(
        "hotel",
        {
            "name": lambda d: f"Hotel {d.slot('noun').capitalize()}",
            "city": slot("city"),
            "stars": whole(1, 5),
            "price": whole(30, 400),
        },
        "[{name} in {city} has {stars} stars.|In {city} there is {name} with {stars} stars.|{stars} stars: "
        "{name}, {city}.]",
        price="[A night costs {price} euros.|Price per night: {price}.]",
    ),
    _record(
        "city",
        {"name": slot("city"), "people": whole(10000, 9000000), "river": one("yes", "no"), "mayor": full_name},
        "[{name} has {people} people.|In {name} live {people} people.|{people} people live in {name}.]",
        river="[Is there a river? {river}.|River: {river}.]",
        mayor="[The mayor is {mayor}.|Mayor: {mayor}.]",
    ),
    _record(
        "device",
        {
            "id": code,
            "type": one("lamp", "sensor", "camera", "speaker", "lock", "fan"),
            "battery": whole(0, 100),
            "online": truth(),
        },
        "[Device {id} is a {type} with {battery} percent battery.|The {type} {id} has {battery} percent.|{id} "
        "({type}): battery {battery} percent.]",
        online="[It is {online_said}.|State: {online_said}.]",
    ),
    _record(
        "task",
        {
            "title": one(
                "water the plants",
                "wash the car",
                "write a letter",
                "clean the kitchen",
                "call the bank",
                "repair the bike",
                "feed the cat",
                "buy a gift",
                "paint the fence",
                "sort the books",
            ),
            "owner": slot("name"),
            "done": truth(),
            "priority": one("low", "normal", "high"),
        },
        "[{owner} has to {title}; it is {done_said}.|Task for {owner}: {title} ({done_said}).|{Title} is the "
        "task of {owner}, {done_said}.]",
        priority="[The priority is {priority}.|Priority: {priority}.]",
    ),
    _record(
        "lesson",
        {"subject": slot("subject"), "teacher": full_name, "weekday": slot("weekday"), "room": whole(1, 400)},
        "[{Subject} with {teacher} is on {weekday}.|On {weekday} {teacher} teaches {subject}.|{teacher} gives "
        "{subject} on {weekday}.]",
        room="[It is in room {room}.|Room: {room}.]",
    ),
    _record(
        "menu_item",
        {"dish": slot("dish"), "price": decimal(3, 30, 2), "vegetarian": truth(), "calories": whole(80, 1200)},
        "[{Dish} costs {price} euros and is {vegetarian_said}.|{Dish}, {price} euros, {vegetarian_said}.|For "
        "{price} euros there is {dish} ({vegetarian_said}).]",
        calories="[It has {calories} calories.|Calories: {calories}.]",
    ),
    _record(
        "bird_count",
        {
            "bird": one("robin", "sparrow", "swallow", "crow", "owl", "swan", "duck", "finch"),
            "count": whole(1, 200),
            "place": slot("place"),
            "observer": slot("name"),
        },
        "[{observer} counted {count} {many bird}.|{count} {many bird} were seen by {observer}.|{observer} saw "
        "{count} {many bird}.]",
        place="[It was at the {place}.|Place: {place}.]",
    ),
    _record(
        "ticket",
        {
            "id": whole(100, 99999),
            "problem": one(
                "no sound", "broken screen", "lost password", "slow page", "paper jam", "dead battery", "wrong address"
            ),
            "status": one("open", "closed", "waiting"),
            "owner": slot("name"),
        },
        "[Ticket {id}: {problem}, {status}.|Ticket {id} about {problem} is {status}.|The ticket {id} "
        "({problem}) is {status}.]",
        owner="[{owner} takes care of it.|Owner: {owner}.]",
    ),
    _record(
        "museum",
        {
            "name": lambda d: f"Museum of "
            f"{d.pick(('Glass', 'Trains', 'Toys', 'Birds', 'Clocks', 'Paper', 'Maps', 'Music', 'Ships', 'Stones'))}",
            "city": slot("city"),
            "opens": clock,
            "ticket_price": whole(0, 30),
        },
        "[The {name} in {city} opens at {opens}.|In {city} the {name} opens at {opens}.|{name}, {city}: open "
        "from {opens}.]",
        ticket_price="[A ticket costs {ticket_price} euros.|Ticket: {ticket_price} euros.]",
    ),
    _record(
        "team",
        {
            "name": lambda d: f"{d.slot('adjective').capitalize()} {d.slot('animal').capitalize()}s",
            "members": several("name", 2, 4),
            "sport": slot("sport"),
            "points": whole(0, 99),
        },
        "[The {name} are {members_said}; they play {sport}.|{members_said} form the {sport} team {name}.|Team "
        "{name} ({sport}): {members_said}.]",
        points="[They have {points} points.|Points: {points}.]",
    ),
    _record(
        "trip",
        {"from": slot("city"), "to": slot("city"), "vehicle": slot("vehicle"), "days": whole(1, 30)},
        "[{vehicle_capital} trip from {from} to {to}.|We travel from {from} to {to} by {vehicle}.|By {vehicle} "
        "from {from} to {to}.]",
        days="[It takes {days} days.|Days: {days}.]",
    ),
    _record(
        "shop",
        {"name": slot("company"), "sells": several("product", 1, 3), "city": slot("city"), "open_on_sunday": truth()},
        "[{name} in {city} sells {sells_said}.|In {city} you can buy {sells_said} at {name}.|The shop {name} "
        "({city}) has {sells_said}.]",
        open_on_sunday="[On Sunday it is {open_on_sunday_said}.|Sunday: {open_on_sunday_said}.]",
    ),
)
