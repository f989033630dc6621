"""Tools of shops and banks."""

from __future__ import annotations

from dialogues.draw import Draw
from dialogues.families.tool_kit import Arguments, Tool, optional, tool
from dialogues.families.tools_life import day
from dialogues.families.tools_office import person


def _exchange(draw: Draw) -> Arguments:
    source, target = draw.several(
        ("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "INR", "CAD", "AUD", "PLN", "DKK", "NOK"), 2
    )
    return {"amount": draw.integer(1, 2000), "from": source, "to": target}


SHOP_TOOLS: tuple[Tool, ...] = (
    tool(
        "get_stock_price",
        "Get the [share|stock] price of a company.",
        ["company: string"],
        "[What is the [share |stock |]price of {company}?|How much is a share of {company}?|[Check|Get] the "
        "[stock|share] price of {company}[.|, please.]|How is {company} doing at the stock exchange?]",
        lambda d: {"company": d.slot("company")},
        lambda d, a: {"price": d.integer(200, 90000) / 100, "currency": d.pick(("EUR", "USD", "GBP"))},
        "[A share of {company} costs {price} {currency}.|{company}: {price} {currency}.|It stands at {price} "
        "{currency}.]",
        "[Check a share price.|What is the stock price?]",
        "[Of which company?|Which company?]",
        ("unknown company", "market closed"),
    ),
    tool(
        "convert_currency",
        "Convert an amount of money.",
        ["amount: number", "from: string = Currency code", "to: string = Currency code"],
        "[[How much|What] is {amount} {from} in {to}?|[Convert|Change] {amount} {from} [to|into] {to}[.|, "
        "please.]|{amount} {from} in {to}?]",
        _exchange,
        lambda d, a: {"result": round(a["amount"] * d.integer(50, 300) / 100, 2), "rate_date": day(d)},
        "[{amount} {from} are {result} {to}.|That is {result} {to} (rate of {rate_date}).|{result} {to}]",
        "[Convert money for me.|I need to change money.]",
        "[How much, and from which currency to which?|What amount and which currencies?]",
        ("unknown currency",),
    ),
    tool(
        "track_parcel",
        "[Find out where a parcel is|Track a parcel].",
        ["number: string = Tracking number"],
        "[Where is [my|the] parcel {number}?|[Track|Check] [the |]parcel {number}[.|, please.]|Has {number} "
        "arrived?|What is the status of {number}?]",
        lambda d: {"number": f"{d.pick(('PX', 'DE', 'TR', 'KL'))}{d.integer(10000, 999999)}"},
        lambda d, a: {
            "status": d.pick(("in transit", "delivered", "at the depot", "out for delivery", "at customs")),
            "place": d.slot("city"),
        },
        "[Parcel {number} is {status} in {place}.|Status: {status}, {place}.|It is {status} ({place}).]",
        "[Where is my parcel?|Track my parcel.]",
        "[What is the tracking number?|Which number?]",
        ("unknown number",),
    ),
    tool(
        "search_products",
        "Search the shop.",
        ["query: string", "max_price?: number", "in_stock?: boolean = Only what is there now"],
        "[[Find|Search|Show me] a {query}{max_price_said}{in_stock_said}[.|, please.]|I [need|want|am looking "
        "for] a {query}{max_price_said}{in_stock_said}.|Do you have a {query}{max_price_said}{in_stock_said}?]",
        lambda d: {
            "query": d.slot("product"),
            **optional(d, "max_price", d.integer(2, 40) * 5, " for at most {} euros", 0.4),
            **optional(d, "in_stock", True, " that is in stock", 0.3),
        },
        lambda d, a: {
            "product": f"{d.slot('company')} {a['query']}",
            "price": d.integer(199, 19999) / 100,
            "article": d.integer(100, 9999),
        },
        "[There is the {product} for {price} euros.|{product}, {price} euros, article {article}.|I found: "
        "{product} ({price} euros).]",
        "[I want to buy something.|Search the shop.]",
        "[What are you looking for?|Which product?]",
        ("nothing found",),
    ),
    tool(
        "order_product",
        "Order an article.",
        ["article: integer = Article number", "quantity?: integer"],
        "[[Order|Buy] {quantity_said}article {article}[.|, please.]|I [take|want] {quantity_said}article number "
        "{article}.|Please order {quantity_said}article {article}.]",
        lambda d: {"article": d.integer(100, 9999), **optional(d, "quantity", d.integer(2, 20), "{} pieces of ", 0.5)},
        lambda d, a: {"order": d.integer(10000, 99999), "delivery": day(d)},
        "[Ordered. Order {order}, delivery on {delivery}.|Your order {order} comes on {delivery}.|Done: order "
        "{order}.]",
        "[Order it.|I want to order something.]",
        "[Which article number?|What is the number of the article?]",
        ("out of stock",),
    ),
    tool(
        "transfer_money",
        "Transfer money to another account.",
        ["recipient: string", "amount: number = In euros", "reference?: string"],
        "[[Transfer|Send|Pay] {amount} euros to {recipient}{reference_said}[.|, please.]|{recipient} should get "
        "{amount} euros{reference_said}.]",
        lambda d: {
            "recipient": person(d),
            "amount": d.integer(5, 900),
            **optional(
                d,
                "reference",
                d.pick(("rent", "gift", "lunch", "ticket", "book", "thanks")),
                ' with the reference "{}"',
                0.4,
            ),
        },
        lambda d, a: {"status": "done", "balance": d.integer(10, 9000)},
        "[{amount} euros went to {recipient}. Your balance is {balance} euros.|Done. Balance: {balance} euros.|"
        "I sent {amount} euros to {recipient}.]",
        "[Send some money.|Make a transfer.]",
        "[To whom, and how much?|Who gets it, and what amount?]",
        ("not enough money", "recipient unknown"),
    ),
    tool(
        "get_balance",
        "Get the balance of an account.",
        ["account: checking|savings|business"],
        "[[How much|What] [money |]is [in|on] my {account} account?|[Show|Check] [the balance of |]my {account} "
        "account[.|, please.]|Balance of the {account} account?]",
        lambda d: {"account": d.pick(("checking", "savings", "business"))},
        lambda d, a: {"balance": d.integer(-200, 20000), "currency": "EUR"},
        "[Your {account} account has {balance} euros.|There are {balance} euros on the {account} account.|"
        "{balance} euros.]",
        "[How much money do I have?|Check my account.]",
        "[Which account: checking, savings or business?|Which account?]",
    ),
)
