"""The shop: pages, products, events and campaigns, as tables that codes point into."""

from __future__ import annotations

from typing import Final

from microconv.demo import world
from microconv.demo.site import Campaign, Choice, Page, Product, Site

HOME, CATEGORY, PRODUCT, SEARCH, CART, CHECKOUT, CONFIRMATION, SIZE_GUIDE, ACCOUNT, ORDERS, BLOG = (
    range(11)
)
"""Page kinds."""


_ARTICLES: Final = {
    "shoes/running": (("Trail Runner", 129.0), ("Road Racer", 119.5), ("Daily Trainer", 89.0)),
    "shoes/hiking": (("Ridge Boot", 159.0), ("Creek Sandal", 64.9), ("Summit Mid", 139.0)),
    "apparel/jackets": (("Rain Shell", 119.0), ("Wind Vest", 74.5), ("Down Hoodie", 189.0)),
    "apparel/shirts": (("Merino Tee", 54.0), ("Sun Hoodie", 62.5), ("Logo Tee", 24.0)),
    "bags/backpacks": (("Day Pack", 79.0), ("Commuter Pack", 99.9), ("Summit Pack", 149.0)),
    "bags/travel": (("Duffel 40", 89.5), ("Packing Cubes", 34.0), ("Hip Pack", 29.0)),
    "equipment/tents": (("Solo Tent", 219.0), ("Duo Tent", 299.0), ("Tarp", 89.9)),
    "equipment/kitchen": (("Camp Stove", 49.0), ("Titan Mug", 27.5), ("Pot Set", 58.0)),
}
_VARIANTS: Final = ("black", "moss", "sand", "blue")

PRODUCTS: Final = tuple(
    Product(
        name, ("Norra", "Kestrel", "Fjordline")[i], top, sub, _VARIANTS[(i + len(name)) % 4], usd
    )
    for (top, sub), articles in (
        (category.split("/"), articles) for category, articles in _ARTICLES.items()
    )
    for i, (name, usd) in enumerate(articles)
)
CATEGORIES: Final = tuple(_ARTICLES)


def _slug(text: str) -> str:
    return text.lower().replace(" ", "-")


PAGES: Final = (
    Page("/", "Outdoor gear | Shop Example", HOME),
    *(
        Page(f"/c/{category}", f"{category.split('/')[1].title()} | Shop Example", CATEGORY)
        for category in CATEGORIES
    ),
    *(
        Page(f"/p/{_slug(product.name)}", f"{product.name} | Shop Example", PRODUCT)
        for product in PRODUCTS
    ),
    Page("/search", "Search results | Shop Example", SEARCH),
    Page("/cart", "Your cart | Shop Example", CART),
    Page("/checkout", "Checkout | Shop Example", CHECKOUT),
    Page("/checkout/confirmation", "Thank you for your order | Shop Example", CONFIRMATION),
    Page("/size-guide", "Size guide | Shop Example", SIZE_GUIDE),
    Page("/account", "Your account | Shop Example", ACCOUNT),
    Page("/account/orders", "Your orders | Shop Example", ORDERS),
    *(
        Page(f"/blog/{_slug(title)}", f"{title} | Shop Example", BLOG)
        for title in (
            "How to pack light",
            "Choosing a tent",
            "Boots that last",
            "Five autumn trails",
            "Cooking outdoors",
        )
    ),
)


SEARCH_TERMS: Final = (
    "trail shoes", "rain jacket", "tent 2 person", "backpack",
    "merino", "gift card", "socks", "stove",
)  # fmt: skip
VIDEO_TITLES: Final = ("Fitting your pack", "How we test boots", "Pitching the Duo Tent")
SECRET_QUERIES: Final = (
    "?email=anna.berg%40example.com&token=9f8e7d6c5b",
    "?email=john@example.org&step=2",
    "?utm_source=crm&token=eyJhbGciOiJIUzI1NiJ9.e30.x",
    "?reset_password_token=4f3c2b1a&lang=en",
)

_NOT_SET = world.NOT_SET
_DIRECT, _NONE = "(direct)", "(none)"
_SEARCH, _SOCIAL, _LINK = "Organic Search", "Paid Social", "(referral)"
_GOOGLE = "https://www.google.com/"
CAMPAIGNS: Final = (
    Campaign(_DIRECT, _NONE, _DIRECT, "Direct", None, 0.20, 0.0),
    Campaign("google", "organic", "(organic)", _SEARCH, _GOOGLE, 0.30, 0.0),
    Campaign("bing", "organic", "(organic)", _SEARCH, "https://www.bing.com/", 0.04, 0.0),
    Campaign("google", "cpc", "brand_search", "Paid Search", _GOOGLE, 0.09, 0.2),
    Campaign("google", "cpc", "autumn_gear", "Paid Search", _GOOGLE, 0.10, 0.0),
    Campaign("newsletter", "email", "weekly_news", "Email", None, 0.06, 0.4),
    Campaign(
        "facebook", "paid_social", "retarget_q4", _SOCIAL, "https://m.facebook.com/", 0.06, -0.7
    ),
    Campaign(
        "instagram", "social", _NOT_SET, "Organic Social", "https://l.instagram.com/", 0.07, -0.7
    ),
    Campaign(
        "trailnotes.example",
        "referral",
        _LINK,
        "Referral",
        "https://trailnotes.example/",
        0.05,
        0.0,
    ),
    Campaign("chatgpt.com", "referral", _LINK, "Referral", "https://chatgpt.com/", 0.03, 0.0),
    Campaign("tiktok", "paid_social", "autumn_haul", _SOCIAL, "https://www.tiktok.com/", 0.0, -0.7),
)
DIRECT, EMAIL, MIX_SHIFT = 0, 5, 10
"""Campaign codes with a role of their own; the last one runs in the mix-shift week only."""

EVENT_NAMES: Final = (
    "session_start",
    "first_visit",
    "page_view",
    "scroll",
    "user_engagement",
    "view_item_list",
    "select_item",
    "view_item",
    "add_to_wishlist",
    "add_to_cart",
    "view_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
    "refund",
    "view_search_results",
    "newsletter_signup",
    "sign_up",
    "login",
    "view_size_guide",
    "video_start",
    "video_progress",
    "video_complete",
    "banner_impression",
    "push_received",
    "view_order_status",
    "file_download",
    "share",
    "read_reviews",
    "start_chat",
    "gift_registry_view",
)

_VIDEO: Final = ("video_start", "video_progress", "video_complete")
_CHECKOUT: Final = ("begin_checkout", "add_shipping_info", "add_payment_info", "purchase")

SITE: Final = Site(
    name="Shop Example",
    event_names=EVENT_NAMES,
    pages=PAGES,
    hosts=("www.shop.example", "shop.example"),
    devices=world.DEVICES,
    bot_device=world.BOT_DEVICE,
    places=world.PLACES,
    campaigns=CAMPAIGNS,
    direct=DIRECT,
    reminder=EMAIL,
    extra=MIX_SHIFT,
    products=PRODUCTS,
    choices=(
        Choice("search_term", ("view_search_results",), SEARCH_TERMS),
        Choice("video_title", _VIDEO, VIDEO_TITLES),
        Choice("video_provider", _VIDEO, ("youtube",)),
        Choice("item_list_name", ("view_item_list", "select_item"), ("Category list",)),
        Choice("shipping_tier", ("add_shipping_info",), ("Ground", "Ground", "Express")),
        Choice("payment_type", ("add_payment_info",), ("credit_card", "paypal", "apple_pay")),
        Choice("coupon", ("purchase",), (None, None, None, None, "AUTUMN10")),
        Choice("method", ("login", "sign_up"), ("password", "google")),
        Choice("method", ("share",), ("copy_link", "whatsapp", "email")),
        Choice("form_id", ("newsletter_signup",), ("newsletter_footer",)),
        Choice("form_name", ("newsletter_signup",), ("Newsletter",)),
        Choice(
            "file_name",
            ("file_download",),
            ("/files/lookbook-autumn.pdf", "/files/care-guide.pdf"),
        ),
        Choice("file_extension", ("file_download",), ("pdf",)),
        Choice(
            "link_url", ("file_download",), ("https://www.shop.example/files/lookbook-autumn.pdf",)
        ),
        Choice("banner_name", ("banner_impression",), ("autumn_sale", "free_shipping")),
        Choice("message_id", ("push_received",), ("weekly_deals", "back_in_stock")),
        Choice("size_system", ("view_size_guide",), ("US", "EU")),
    ),
    valued=("view_item", "add_to_wishlist", "add_to_cart", "view_cart", *_CHECKOUT, "refund"),
    key_events=("purchase",),
    order_events=("add_to_cart", "view_cart", *_CHECKOUT, "refund"),
    single_events=("view_item", "select_item", "add_to_wishlist", "view_order_status"),
    search_kind=SEARCH,
    search_terms=SEARCH_TERMS,
    secret_queries=SECRET_QUERIES,
)
FIRST_PAGE, PAGE_COUNT, PAGE_KIND = SITE.first_page, SITE.page_count, SITE.page_kind
PRODUCT_CENTS = SITE.product_cents
