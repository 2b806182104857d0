"""A contest: who practised does well, who boasted does not, and who stops to help wins something else."""

from mldata.storybook.lexicon import words
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

RACES = words("""
running race, swimming race, sack race, boat race, sled race, scooter race, egg-and-spoon race, obstacle
race, three-legged race, hill race
""")
SHOWS = words("""
singing contest, baking contest, drawing contest, kite contest, dancing contest, storytelling contest,
sandcastle contest, pumpkin contest, poetry contest, costume contest, whistling contest, juggling contest
""")

FORMS = """
news:
- <day> {a poster|a big sheet of paper} hung {on the wall|on an old <tree> tree}: "Big [x] on [later_day]!
    The prize is [prize]!"
- {Every year|Each [season]} there was a~ [x], and the winner got [prize].
- <day> [g.intro] said, "On [later_day] there will be a~ [x]. The prize is [prize]."
boast:
- "I will win{ anyway|, of course|}," said [f], a~ [f.kind]. "I am the best. I don't need to practice."
- [f], a~ [f.kind], only laughed. "Nobody {can beat|is better than} me," said [f] and {lay down in the
    sun|went to sleep|played instead}.
practice:
- [h] wanted to {take part|try}, too. Every {day|morning} [h.he] practiced{, even {in the rain|when [h.he]
    was tired}|}.
- [h] was not {sure of [h.himself]|sure that [h.he] could do it}, but [h.he] practiced {before breakfast
    and after dinner|every afternoon} with [g.intro].
- [h] practiced and practiced. The first day it went badly, the second day better, and the third day
    {really |}well.
great_day:
- {At last|Finally} the great day came. {Everybody|The whole neighborhood} {was there|came to watch}.
- On [later_day] everyone {gathered|met}, and there were {flags everywhere|lanterns and drums|flags and
    cakes}.
nervous:
- [h] was {very |}{nervous|excited}.
- "{Just do your best|Have fun}," {whispered|said} [g.intro].
race:
- "Ready, steady, go!" [f] shot ahead. But {soon|halfway} [f] {ran out of breath|got tired}, because
    [f.he] had not practiced.
- {A whistle blew|The bell rang}, and they were off. At first [f] was {far ahead|in front}. {Then|But
    then} [f] {looked back, laughed,|waved to everyone} and {fell behind|lost time}.
race_start:
- "Ready, steady, go!" {Everybody|They all} set off {at once|as fast as they could}. [f] was in front, and
    [h] was {right behind|close behind [f.him]}.
- {A whistle blew|The bell rang}, and they were off. [f] {took the lead|was first}, but [h] {came closer
    and closer|was catching up}.
race_win:
- [h] {went on steadily|kept going}, {breath by breath|yard by yard}. {Just before the end|At the last
    bend} [h.he] passed [f] and {was first|won}!
- [h] did not look left or right. {One last push|A few more yards}, and [h.he] was {over the line before
    everyone else|first at the finish}!
race_help:
- Then [f] {tripped|stumbled} and {fell|hurt [f.his] foot}. [h] was {just behind [f.him]|close to
    winning}. But [h.he] stopped. "{Can you stand|Are you all right}?" [h.he] asked and helped [f] up. The
    others {ran|rushed} past them.
- {Close to|Just before} the finish [f] fell down and {could not get up|cried out}. [h] could have won
    now. But [h] {turned around|stopped} and {gave [f] a [hand]|held out a [hand] to [f]}. Together they came in last.
show:
- First it was [f.s] turn. But [f] had not practiced, and {everything went wrong|[f.he] forgot
    everything|soon [f.he] did not know what to do}.
- [f] {went|was} first. {It was not bad, but|At the beginning it was good, but then} [f] {made many
    mistakes|got stuck}, and {people|the judges} {shook their heads|began to yawn}.
show_win:
- Then [h] {came|stepped forward}. {Everything|All of it} went as it had in practice, {only better|and it
    was lovely}. {Everybody clapped.|At the end it was very quiet, and then everyone cheered.}
- Then it was [h.s] turn. [^h.he] {took a deep breath|smiled} and {began|started}. It was
    {wonderful|beautiful}! {The judges smiled.|All stood up and clapped.}
show_help:
- [h] saw how sad [f] was. "{Come|We can do it together}," [h.he] {whispered|said}. "{You begin, and I
    will help you|You are good at it, you are just out of practice}." And together they {began|tried} once
    more.
prize:
- [h] got [prize], and [g.intro] {cheered|shouted "Bravo" for all to hear}. <proud>
- And so [prize] went to [h]. <proud>
lesson:
- "{Well done|You were really good}, [h]," said [f]. "{Next time I will practice, too|Will you practice
    with me}?" "{Gladly|Yes, let's}," said [h].
- [f] came and {shook [h.s] [hand]|looked at the ground}. "I should have practiced," [f.he] said. "{We can
    practice together|Come with me tomorrow}," said [h].
help_prize:
- They did not get [prize]. But everyone {clapped for them|cheered} the loudest, and [f] said, "{You are
    the real winner|I was so silly to boast. Thank you}, [h]."
- Somebody else got [prize]. But [g.intro] {hugged [h] and |}said, "{Helping|A kind heart} is worth more
    than a prize." And [f] {was [h.s] friend from then on|never boasted again}.
- The prize went to somebody else. {In the evening|Later} [f] gave [h] a {medal made of paper|star of gold
    paper}. "For the best friend," it said.
moral_practice:
- {Practice|A little every day} {is better than boasting|goes farther than big words}.
- {Big words do not win races and contests|Talking is easy}, but {work and patience do|doing takes
    practice}.
- <evening>
moral_help:
- {Winning is nice|A prize is nice}, but {a friend is nicer|helping is nicer}.
- And [h] {was happier than if [h.he] had won|did not miss the prize at all}.
- <friends_end>
"""
PRIZES = words("""
a golden cup, a basket of strawberries, a silver medal, a big cake, a new kite, a blue ribbon, a bag of
marbles, a ride in a balloon, a jar of honey, a straw crown, a box of paints, a picnic for two, a tall
trophy, a shiny bicycle bell
""")


def tell(t: Tale) -> None:
    race = t.subject in RACES
    prize = t.chance.pick(PRIZES)
    t.put(x=t.subject, prize=prize)
    t.say("open")
    t.paragraph()
    t.say("news", "boast", "practice")
    t.paragraph()
    t.say("great_day")
    t.maybe("nervous", 0.6)
    helped = t.happens(0.4)
    t.say("race" if race and not helped else "race_start" if race else "show")
    t.say(("race_" if race else "show_") + ("help" if helped else "win"))
    t.paragraph()
    if helped:
        t.say("help_prize", "moral_help")
    else:
        t.say("prize")
        t.maybe("lesson", 0.7)
        t.say("moral_practice")


PLOT = Plot("contest", RACES + SHOWS, tell, FORMS)
