"""The published names of e-commerce and SaaS events, so that "completed order" and "Order Completed" are one event."""

from postroad.events import RESERVED

# The second version of the published e-commerce and SaaS vocabulary, and the names of the first that still occur.
_V2_NAMES = (
    "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked",
    "Product Clicked", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started",
    "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Order Completed", "Order Updated",
    "Order Refunded", "Order Cancelled", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed",
    "Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared",
    "Cart Shared", "Product Reviewed", "Account Created", "Account Deleted", "Signed Up", "Signed In", "Signed Out",
    "Invite Sent", "Account Added User", "Account Removed User", "Trial Started", "Trial Ended", "Experiment Viewed",
    "Email Delivered",
)  # fmt: skip
_V1_NAMES = {
    "Searched Products": "Products Searched",
    "Viewed Product List": "Product List Viewed",
    "Viewed Product Category": "Product List Viewed",
    "Filtered Product List": "Product List Filtered",
    "Viewed Promotion": "Promotion Viewed",
    "Clicked Promotion": "Promotion Clicked",
    "Clicked Product": "Product Clicked",
    "Viewed Product": "Product Viewed",
    "Added Product": "Product Added",
    "Removed Product": "Product Removed",
    "Viewed Cart": "Cart Viewed",
    "Started Order": "Checkout Started",
    "Started Checkout": "Checkout Started",
    "Viewed Checkout Step": "Checkout Step Viewed",
    "Completed Checkout Step": "Checkout Step Completed",
    "Entered Payment Info": "Payment Info Entered",
    "Completed Order": "Order Completed",
    "Updated Order": "Order Updated",
    "Refunded Order": "Order Refunded",
    "Cancelled Order": "Order Cancelled",
    "Canceled Order": "Order Cancelled",
    "Order Canceled": "Order Cancelled",
    "Entered Coupon": "Coupon Entered",
    "Applied Coupon": "Coupon Applied",
    "Denied Coupon": "Coupon Denied",
    "Removed Coupon": "Coupon Removed",
    "Added Product to Wishlist": "Product Added to Wishlist",
    "Removed Product from Wishlist": "Product Removed from Wishlist",
    "Added Wishlist Product to Cart": "Wishlist Product Added to Cart",
    "Shared Product": "Product Shared",
    "Shared Cart": "Cart Shared",
    "Reviewed Product": "Product Reviewed",
    "Viewed Experiment": "Experiment Viewed",
}
_KNOWN_NAMES = {
    **{name.casefold(): name for name in (*_V2_NAMES, *RESERVED)},
    **{old.casefold(): name for old, name in _V1_NAMES.items()},
}


def published_name(name: str) -> str:
    """The name as the vocabulary (or Postroad itself) writes it; names of one's own stay as they are."""
    return _KNOWN_NAMES.get(name.casefold(), name)
